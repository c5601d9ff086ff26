"""The list: one TOML file for each folder of the source, one table for each fault."""

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
LISTS = HERE / "faults"


@dataclass(frozen=True)
class Fault:
    """What a tired engineer could have written, and who must notice.

    Args:
        folder: the list that it stands in, named by the folder of the source.
        name: the fault in a few words.
        file: from the root of the repository.
        before: text that occurs once in the file.
        after: what stands there instead.
        tests: files below `tests`, or tests within them (`file.py::test`).
        survives: why no test can notice it; nothing for all others.
    """

    folder: str
    name: str
    file: str
    before: str
    after: str
    tests: tuple[str, ...]
    survives: str = ""

    @property
    def title(self) -> str:
        """Return the name that `--only` takes."""
        return f"{self.folder}/{self.name}"

    @property
    def native(self) -> bool:
        """Return whether the library has to be built anew."""
        return self.file.startswith("native/")

    def apply(self, text: str) -> str:
        """Return the file's text with the fault in it.

        Raises:
            ValueError: the text to change does not occur exactly once.
        """
        if (count := text.count(self.before)) != 1:
            raise ValueError(f"{self.title}: its text occurs {count} times in {self.file}")
        return text.replace(self.before, self.after)

    def digest(self, root: Path = ROOT) -> str:
        """Return a hash of all that a result depends on: the fault, its file, its tests."""
        tests = sorted({test.partition("::")[0] for test in self.tests})
        parts = [repr(self), *((root / name).read_text() for name in [self.file])]
        parts += [(root / "tests" / test).read_text() for test in tests]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def faults() -> list[Fault]:
    """Return the whole list.

    Raises:
        TypeError: a table lacks a key, or has one too many.
    """
    found = []
    for path in sorted(LISTS.glob("*.toml")):
        for name, table in tomllib.loads(path.read_text(encoding="utf-8")).items():
            tests = tuple(table.pop("tests"))
            found.append(Fault(path.stem.replace("_", "/"), name, tests=tests, **table))
    return found
