"""Inputs of `predict`: arguments, or the lines of a file or of standard input, none left out."""

import os
import sys
from codecs import BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE
from collections.abc import Iterator, Sequence
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import Any, NamedTuple

from recurra.errors import RecurraError

# how files in wide characters begin; the longer mark begins as the shorter one does
WIDE = {
    BOM_UTF32_LE: "utf-32",
    BOM_UTF32_BE: "utf-32",
    BOM_UTF16_LE: "utf-16",
    BOM_UTF16_BE: "utf-16",
}


class Line(NamedTuple):
    """One input: where it stands, what it says, and why it cannot be read, if so."""

    place: str
    text: str
    error: str = ""


def arguments(texts: Sequence[str]) -> Iterator[Line]:
    """Yield the inputs of a command line; bytes that the locale could not decode are UTF-8."""
    for number, text in enumerate(texts, 1):
        try:
            text.encode()
            yield Line(f"input {number}", text)
        except UnicodeEncodeError:
            yield _line(f"input {number}", os.fsencode(text))


def lines(
    file: Path | None, encoding: str | None = None, learned: str | None = None
) -> Iterator[Line]:
    """Yield every line of a file, or of standard input: blank ones and unreadable ones too.

    A line ends with LF or CR LF; in a file that begins without any LF, with CR.

    Args:
        file: the file; none: standard input.
        encoding: the file's, where it is not to be detected.
        learned: the encoding of the data that the model was trained on: where the file is neither
            marked nor UTF-8, it is in this one.
    Raises:
        RecurraError: there is no input, or no text.
    """
    from recurra.data.readers.text import existing_file
    from recurra.storage import reason

    if file is None and (sys.stdin is None or sys.stdin.isatty()):
        raise RecurraError('no input; give texts: recurra predict BUNDLE "…", --file F, or a pipe')
    name = "standard input" if file is None else str(file)
    try:
        if file is None:
            piped: Any = sys.stdin.buffer
            piped = piped if hasattr(piped, "peek") else BufferedReader(piped)
            yield from _numbered(name, _narrowed(name, piped, encoding) if encoding else piped)
            return
        known = _detected(existing_file(file), encoding, learned)
        with file.expanduser().open("rb") as opened:
            yield from _numbered(name, _narrowed(name, opened, known) if known else opened)
    except OSError as error:
        raise RecurraError(f"{name} cannot be read: {reason(error)}") from error


def _detected(path: Path, encoding: str | None, learned: str | None) -> str | None:
    """Return the encoding of a file that is neither marked nor UTF-8."""
    from recurra.data.readers.encoding import UTF_8, Encodings, names
    from recurra.data.readers.text import chunks

    if learned and not encoding:
        name, other = names(learned)
        encoding = f"{UTF_8},{other or name}" if (other or name) != UTF_8 else None
    with path.open("rb") as file:
        start = file.peek(8192)[:8192]
    found = Encodings(encoding, lambda _: None).of(str(path), start, lambda: chunks(path))
    if start.startswith((*WIDE, b"\xef\xbb\xbf")) or found == UTF_8:
        return None
    return found


def _numbered(name: str, file: BufferedReader) -> Iterator[Line]:
    head = file.peek(4)
    if known := next((WIDE[mark] for mark in WIDE if head.startswith(mark)), None):
        file = _narrowed(name, file, known)
        head = file.peek(1)
    row = 0
    for row, raw in enumerate(_raw(file, b"\r" if _only_returns(head) else b"\n"), 1):
        content = raw.removeprefix(b"\xef\xbb\xbf") if row == 1 else raw
        yield _line(f"{name}:{row}", content)
    if row == 0:
        raise RecurraError(f"{name} is empty; give one input per line")


def _narrowed(name: str, file: BufferedReader, known: str) -> BufferedReader:
    """Return the same text in UTF-8."""
    from recurra.data.readers.text import say

    try:
        text = file.read().decode(known)
    except UnicodeDecodeError as error:
        raise RecurraError(f"{name} cannot be read as {known}: {error.reason}") from error
    if text:
        say(
            f"{name}: read as {known}"
            + (" (--encoding changes it)" if known not in WIDE.values() else "")
        )
    return BufferedReader(BytesIO(text.encode()))


def _only_returns(head: bytes) -> bool:
    """Return whether lines end with CR; at the end of `head`, it may be half of CR LF."""
    return b"\r" in head[:-1] and b"\n" not in head


def _raw(file: BufferedReader, end: bytes) -> Iterator[bytes]:
    """Yield lines without their ends, of one that is too long only the beginning."""
    from recurra.data.readers.text import LONGEST_ROW

    longest = 4 * LONGEST_ROW + 2
    if end == b"\r":  # a reader knows no other end than LF
        yield from (part[:longest] for part in file.read().removesuffix(end).split(end))
        return
    while raw := file.readline(longest):
        rest = raw
        while rest and not rest.endswith(end):
            rest = file.readline(longest)
        yield raw.removesuffix(end).removesuffix(b"\r")


def _line(place: str, raw: bytes) -> Line:
    from recurra.data.readers.text import LONGEST_ROW

    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        if len(raw) <= 4 * LONGEST_ROW:
            byte = raw[error.start]
            return Line(place, "", f"is not UTF-8 (byte 0x{byte:02x}); save it as UTF-8")
        text = raw.decode(errors="replace")
    if len(text) > LONGEST_ROW:
        return Line(
            place, "", f"has over {LONGEST_ROW:,} characters; no more are read: split it into lines"
        )
    if "\0" in text:
        return Line(place, "", "holds a NUL character")
    return Line(place, text)
