"""Where the three parts come from: a file, a folder, named files, or a data set of the hub."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Generic, TypeVar

from recurra.data.readers import hf
from recurra.data.readers.text import Rows, existing, say
from recurra.data.splits import Splits
from recurra.errors import DataError
from recurra.training.recipe import Recipe

E = TypeVar("E")

PART_NAMES = {
    "train": "train|training",
    "valid": "dev|valid|val|validation|testa",
    "test": "test|testb|testing|t10k",
}
PART = re.compile("|".join(f"(?P<{part}>{names})" for part, names in PART_NAMES.items()))
HELD_OUT = 0.1


@dataclass(frozen=True, kw_only=True)
class Kind(Generic[E]):
    """What the parts must agree on.

    Args:
        content: an example → what makes two of them duplicates.
        labels: an example → its labels; every label must occur in the training part.
        least: how many different labels there must be.
    """

    content: Callable[[E], str | bytes]
    labels: Callable[[E], Iterable[str]] = lambda _: ()
    least: int = 0


@dataclass(frozen=True, kw_only=True)
class Format(Kind[E]):
    """What a reader tells about its files.

    Args:
        read: one file (or folder) → its examples.
        accepts: whether an entry of a folder is one of this format's.
        records: rows of a hub data set → their examples.
        whole: whether a folder without parts is itself one source.
    """

    read: Callable[[Path, Rows], list[E]]
    accepts: Callable[[Path], bool]
    records: Callable[[hf.Records, Rows], list[E]] | None = None
    whole: bool = False


def read_parts(recipe: Recipe, form: Format[E]) -> Splits[E]:
    """Return the examples of `recipe.data`, in three parts.

    Raises:
        DataError: a file or row cannot be used.
    """
    rows = Rows.of(recipe)
    return assemble(gather(recipe, form, rows), recipe, form, rows)


def gather(recipe: Recipe, form: Format[E], rows: Rows) -> dict[str, list[E]]:
    """Return the examples of the parts that there are.

    Raises:
        DataError: a file or row cannot be used.
    """
    data = str(recipe.data)
    if data.startswith("hf:"):
        if form.records is None:
            raise DataError(data, "cannot be read for this task; give files")
        return {
            part: form.records(records, rows) for part, records in hf.parts(data, part_of).items()
        }
    paths = locate(recipe, form)
    # the training part first: what is guessed of its form holds for the others
    first = sorted(paths, key=lambda part: part != "train")
    read = {path: form.read(path, rows) for path in dict.fromkeys(paths[p] for p in first)}
    return {part: read[path] for part, path in paths.items()}


def part_of(name: str) -> str | None:
    """Return which part a file, folder or split is by its name, if any."""
    for word in re.findall(r"[a-z]+(?:10k)?", name.lower()):
        if found := PART.fullmatch(word):
            return found.lastgroup
    return None


def find_parts(folder: Path, accepts: Callable[[Path], bool]) -> dict[str, list[Path]]:
    """Return the entries of a folder that are parts, by part, in the order of their names."""
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        part = part_of(path.name)
        if part and not path.name.startswith(".") and accepts(path):
            found.setdefault(part, []).append(path)
    return found


def locate(recipe: Recipe, form: Format[E]) -> dict[str, Path]:
    """Return the path of each part that there is.

    Raises:
        DataError: a path is missing, or a folder's parts cannot be told.
    """
    named = {
        part: existing(path)
        for part, path in [("valid", recipe.valid), ("test", recipe.test)]
        if path
    }
    data = existing(str(recipe.data))
    if not data.is_dir():
        return {"train": data, **named}
    found = find_parts(data, form.accepts)
    for part, paths in found.items():
        if len(paths) > 1 and part not in named:
            several = ", ".join(path.name for path in paths)
            raise DataError(data, f"has several {part} files ({several}); name the one to use")
    parts = {part: paths[0] for part, paths in found.items()}
    if "train" not in parts:
        parts["train"] = data if form.whole else _only(data, form)
    return {**parts, **named}


def _only(folder: Path, form: Format[E]) -> Path:
    usable = [path for path in sorted(folder.iterdir()) if path.is_file() and form.accepts(path)]
    usable = [path for path in usable if not path.name.lower().startswith(("readme", "license"))]
    if len(usable) == 1:
        return usable[0]
    names = ", ".join(path.name for path in usable[:8]) or "none that can be read"
    raise DataError(folder, f"has no training file (train.*) among its files: {names}")


def assemble(
    parts: Mapping[str, Sequence[E]], recipe: Recipe, kind: Kind[E], rows: Rows
) -> Splits[E]:
    """Return the three parts, with those that are missing split off the training part.

    Raises:
        DataError: there are too few examples or labels, or a label is not in the training part.
    """
    data = str(recipe.data)
    known = {label for example in parts["train"] for label in kind.labels(example)}
    # A file that is its own test part is evaluated, not learned from: one label is enough.
    if len(known) < kind.least and recipe.test != data:
        have = ", ".join(sorted(known)) or "none"
        raise DataError(data, f"has too few labels ({have}); at least {kind.least} different ones")
    parts = {
        part: examples if part == "train" else _within(known, examples, kind, rows)
        for part, examples in parts.items()
    }
    for part, examples in parts.items():
        if not examples:
            raise DataError(data, f"has no usable row in its {part} part")
    missing = [part for part in ("valid", "test") if part not in parts]
    if missing:
        parts = {**parts, **split(parts["train"], missing, recipe.seed, kind, data)}
        each = " each" if missing[1:] else ""
        say(f"{data}: {' and '.join(missing)} split off, {HELD_OUT:.0%}{each}")
    train, valid, test = (list(parts[part]) for part in ("train", "valid", "test"))
    return Splits(train, valid, test, rows.close(), rows.encodings.settled, kind.content)


def _within(known: set[str], examples: Sequence[E], kind: Kind[E], rows: Rows) -> list[E]:
    kept = []
    for example in examples:
        strange = [label for label in kind.labels(example) if label not in known]
        if strange:
            path, row = place(example)
            rows.bad(path, f"label {strange[0]!r} does not occur in the training part", row)
        else:
            kept.append(example)
    return kept


def place(example: Any) -> tuple[str, int | None]:
    """Return file and row of an example's `where`."""
    path, _, row = example.where.rpartition(":")
    return (path, int(row)) if path and row.isdigit() else (example.where, None)


def split(
    examples: Sequence[E], missing: Sequence[str], seed: int, kind: Kind[E], data: str
) -> dict[str, list[E]]:
    """Return `examples` with a tenth each held out, by content: duplicates stay together.

    The first example of every label stays in training.

    Raises:
        DataError: there are too few different examples.
    """
    groups: dict[bytes, list[int]] = {}
    kept: set[bytes] = set()
    seen: set[str] = set()
    for i, example in enumerate(examples):
        content = kind.content(example)
        content = content.encode() if isinstance(content, str) else content
        salt = seed.to_bytes(8, "little", signed=True)
        key = blake2b(content, digest_size=16, salt=salt).digest()
        groups.setdefault(key, []).append(i)
        labels = set(kind.labels(example))
        if not labels <= seen:
            seen |= labels
            kept.add(key)
    free = sorted(set(groups) - kept)
    if len(free) < len(missing) + (not kept):
        raise DataError(
            data, f"has {len(groups)} different examples; too few to split: give more rows"
        )
    target = max(round(HELD_OUT * len(examples)), min(len(groups[key]) for key in free))
    owner: dict[int, str] = {}
    for part in missing:
        room = target
        for key in free:
            if len(groups[key]) <= room and groups[key][0] not in owner:
                owner.update(dict.fromkeys(groups[key], part))
                room -= len(groups[key])
    parts = {
        part: [example for i, example in enumerate(examples) if owner.get(i, "train") == part]
        for part in ["train", *missing]
    }
    for part, held in parts.items():
        if not held:
            raise DataError(data, f"has too few different examples to split off a {part} part")
    return parts
