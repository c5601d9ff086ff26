"""Where answers that are files go: the file asked for, or names in a folder that are free."""

from pathlib import Path
from typing import Any

from recurra.errors import RecurraError
from recurra.storage import reason


class Files:
    """The files of one command's answers.

    An answer that is a file has `save(path)`, which writes it as the path's ending says.

    Args:
        out: a file, by its ending, or a folder; none: nothing is written.
        name: of the files in a folder.
    """

    def __init__(self, out: Path | None, name: str) -> None:
        self.out, self.name, self.written = out, name, 0

    def save(self, answer: Any) -> None:
        """Write one answer, and print where.

        Raises:
            RecurraError: there is one file for several answers; such answers are no files; the
                disk refused.
        """
        if self.out is None or isinstance(answer, Exception):
            return
        if not hasattr(answer, "save"):
            raise RecurraError(f"--out {self.out}: these answers are no files; leave it out")
        if self.out.suffix and self.written:
            raise RecurraError(f"{self.out} is one file, for several answers; give a folder")
        self.written += 1
        try:
            print(f"  {answer.save(self._place())}")
        except OSError as error:
            raise RecurraError(f"{self.out} cannot be written: {reason(error)}") from error

    def _place(self) -> Path:
        assert self.out is not None
        if self.out.suffix:
            return self.out
        number = 1
        while (path := self.out / f"{self.name}-{number}.csv").exists():
            number += 1
        return path
