"""Text files line by line: gzip or plain, in any encoding; and the bad rows among them."""

from __future__ import annotations

import gzip
import os
import sys
import zlib
from collections.abc import Iterator
from contextvars import ContextVar
from difflib import get_close_matches
from io import BufferedReader, TextIOWrapper
from pathlib import Path

from recurra.data.readers.encoding import HANDLER, UNDECODED, Encodings, by_mark
from recurra.data.shelf import Shelf
from recurra.errors import DataError
from recurra.training.options import Encoded
from recurra.training.recipe import Recipe

LONGEST_ROW = 100_000
SHOWN = 5
CHUNK = 1 << 20
LARGEST = 1 << 30


class Rows:
    """Bad rows: counted and passed over, or the first of them raised.

    Args:
        skip: count a bad row (the first five are told on stderr) instead of raising it.
        advice: what follows the reason of an error that is raised.
        encoding: of all text files, or "utf-8,NAME"; none: detected.
        quiet: tell nothing.
    """

    def __init__(
        self,
        *,
        skip: bool = False,
        advice: str = "",
        encoding: str | None = None,
        quiet: bool = False,
    ) -> None:
        self.encodings = Encodings(encoding, say)
        self.quiet = quiet
        self.skip = skip
        self.advice = advice
        self.skipped = 0
        self.noted: set[str] = set()
        self.shelf = Shelf()  # for pictures and sounds, that may be many

    @classmethod
    def of(cls, recipe: Recipe) -> Rows:
        """Return the collector that a recipe asks for."""
        advice = " (skip_bad_rows goes on past it)"
        encoding = recipe.encoding if isinstance(recipe, Encoded) else None
        return cls(skip=recipe.skip_bad_rows, advice=advice, encoding=encoding)

    def unheard(self) -> Rows:
        """Return a collector for a first look at files that are read again with this one."""
        look = Rows(skip=True, quiet=True)
        look.encodings = self.encodings
        return look

    def bad(self, path: str | Path, reason: str, row: int | None = None) -> None:
        """Tell or raise one bad row.

        Raises:
            DataError: bad rows are not to be skipped.
        """
        if not self.skip:
            raise DataError(path, reason + self.advice, row)
        self.skipped += 1
        if self.skipped <= SHOWN and not self.quiet:
            say(f"skipped {DataError(path, reason, row)}")

    def note(self, path: str | Path, text: str) -> None:
        """Tell what was assumed about a file; the same about others is not told again."""
        if text not in self.noted:
            self.noted.add(text)
            say(f"{path}: {text}")

    def close(self) -> int:
        """Tell how many there were if not all were shown, and return that number."""
        if self.skipped > SHOWN:
            say(f"skipped {self.skipped} bad rows in all")
        return self.skipped


# false where nobody reads along, as in the threads of a server
SAID: ContextVar[bool] = ContextVar("said", default=True)


def say(text: str) -> None:
    """Tell the user something about the data, without mixing it into a command's output."""
    if SAID.get() and os.environ.get("RANK", "0") == "0":  # of torchrun's processes one tells
        print(text, file=sys.stderr)


def existing(path: str | Path) -> Path:
    """Return the path if something is there.

    Raises:
        DataError: nothing is; names nearby that look like it are suggested.
    """
    path = Path(path).expanduser()
    if path.exists():
        return path
    folder = path.parent
    near = (
        get_close_matches(path.name, [p.name for p in folder.iterdir()], n=3)
        if folder.is_dir()
        else []
    )
    if not folder.is_dir():
        raise DataError(path, f"is missing, and so is its folder {folder}")
    raise DataError(path, "is missing" + (f"; did you mean {' or '.join(near)}?" if near else ""))


def existing_file(path: str | Path) -> Path:
    """Return the path if it is a file with something in it.

    Raises:
        DataError: it is missing, a folder, or empty.
    """
    path = existing(path)
    if path.is_dir():
        raise DataError(path, "is a folder; a file is needed here")
    if path.is_file() and path.stat().st_size == 0:
        raise DataError(path, "is empty")
    return path


def open_bytes(path: Path) -> BufferedReader:
    """Open a file for reading, unpacked if it is gzip (known by its first bytes)."""
    file = path.open("rb")
    if file.peek(2)[:2] != b"\x1f\x8b":
        return file
    file.close()
    return BufferedReader(gzip.open(path, "rb"))


def lines(path: str | Path, rows: Rows, longest: int = LONGEST_ROW) -> Iterator[tuple[int, str]]:
    """Yield each line that can be read with its number, counted from 1, without its line end.

    LF, CR LF and CR alone end a line.

    Raises:
        DataError: the file is missing, a folder, empty, or not text; or a line cannot be decoded
            or is over 100,000 (or `longest`) characters long, and `rows` does not skip.
    """
    found = every_line(path, rows, longest=longest)
    return ((row, line) for row, line in found if line is not None)


def every_line(
    path: str | Path, rows: Rows, ends: str = "", longest: int = LONGEST_ROW
) -> Iterator[tuple[int, str | None]]:
    """Yield the same, with None for a line that was skipped.

    Args:
        path: the file.
        rows: what bad rows are told to.
        ends: "\\n" where a CR alone ends no line.
        longest: characters that a line may have.
    """
    path = existing_file(path)
    row = 0
    try:
        encoding = encoding_of(path, rows)
        with TextIOWrapper(open_bytes(path), encoding, errors=HANDLER, newline=ends) as file:
            for row, raw in enumerate(_bounded(file, longest), start=1):
                yield row, _usable(path, raw, row, rows, longest)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(path, f"cannot be read: {error}") from error
    if row == 0:
        raise DataError(path, "is empty")


def whole_text(path: Path, rows: Rows) -> str:
    """Return all of a text file, of at most 1 GiB.

    Raises:
        DataError: it is larger, or cannot be read or decoded.
    """
    try:
        with TextIOWrapper(open_bytes(path), encoding_of(path, rows), errors=HANDLER) as file:
            text = file.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(path, f"cannot be read: {error}") from error
    if len(text) > LARGEST:
        raise DataError(path, "is over 1 GiB; give a smaller file, or one row a line")
    if not text.isascii() and (bad := UNDECODED.search(text)):
        row = text.count("\n", 0, bad.start()) + 1
        mended = rows.encodings.mended(str(path), text, row)
        if mended is None:
            reason = f"is not {rows.encodings.name(str(path))}; --encoding names another"
            raise DataError(path, reason, row)
        text = mended
    return text.removeprefix("\ufeff")


def lone_returns(path: Path, rows: Rows) -> list[int]:
    """Return the numbers of the lines that end in CR alone, in a file that has other ends too."""
    with TextIOWrapper(open_bytes(path), encoding_of(path, rows), errors=HANDLER, newline="") as f:
        ends = [row for row, raw in enumerate(_bounded(f), start=1) if raw and raw[-1] == "\r"]
        return [] if isinstance(f.newlines, str) else ends


def chunks(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a file, unpacked if it is gzip, in pieces."""
    with open_bytes(path) as file:
        while chunk := file.read(CHUNK):
            yield chunk


def encoding_of(path: Path, rows: Rows) -> str:
    """Return the encoding of a text file, as one of the files that `rows` is for.

    Raises:
        DataError: it is not text.
    """

    with open_bytes(path) as file:
        start = file.peek(8192)[:8192]
    known = rows.encodings.forced or by_mark(start)
    binary = b"\0" in start and not (known or "").startswith(("utf-16", "utf-32"))
    found = "" if binary else rows.encodings.of(str(path), start, lambda: chunks(path))
    if binary:
        raise DataError(path, "is not text; a text file is needed here")
    return found


def _bounded(file: TextIOWrapper, longest: int = LONGEST_ROW) -> Iterator[str | None]:
    """Yield raw lines, and None for one that is too long."""
    limit = longest + 2
    while raw := file.readline(limit):
        if len(raw) < limit or raw.endswith("\n"):
            yield raw
            continue
        while (more := file.readline(limit)) and not more.endswith(("\n", "\r")):
            pass
        yield None


def _usable(path: Path, raw: str | None, row: int, rows: Rows, longest: int) -> str | None:
    line = None if raw is None else raw.rstrip("\r\n").removeprefix("\ufeff").replace("\r", " ")
    if line is None or len(line) > longest:
        rows.bad(path, f"has over {longest:,} characters", row)
        return None
    if line.isascii():
        mended: str | None = line
    elif bad := UNDECODED.search(line):
        mended = rows.encodings.mended(str(path), line, row)
        if mended is None:
            byte, name = f"0x{ord(bad[0]) & 0xFF:02x}", rows.encodings.name(str(path))
            rows.bad(path, f"is not {name} (byte {byte}); --encoding names another", row)
            return None
    else:
        mended = line
    if "\0" in line:
        rows.bad(path, "holds a NUL character", row)
        return None
    return mended
