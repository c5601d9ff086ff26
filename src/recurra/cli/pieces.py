"""What `recurra stream` reads, piece by piece: text, rows of numbers, notes, or samples."""

from __future__ import annotations

import codecs
import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from recurra.data.readers import sound
from recurra.data.readers.text import Rows, existing_file
from recurra.errors import RecurraError
from recurra.storage import reason

PIECE = 4096  # bytes that are read at a time, or as many as there are
LONGEST_LINE = 1 << 20
PARTS = re.compile(r"\s*[,;\t ]\s*")
Pieces = Iterator[tuple[str, Any]]


@contextmanager
def opened(file: Path | None) -> Iterator[BinaryIO]:
    """Yield a file, or standard input.

    Raises:
        RecurraError: it is missing, empty or cannot be read, or nothing is piped in.
    """
    try:
        if file is not None:
            with existing_file(file).open("rb") as found:
                yield found
        elif sys.stdin is None or sys.stdin.isatty():
            raise RecurraError("no input; give --file F, or a pipe")
        else:
            yield sys.stdin.buffer
    except OSError as error:
        raise RecurraError(f"{file or 'standard input'} cannot be read: {reason(error)}") from error


def texts(file: Path | None) -> Pieces:
    """Yield a text in UTF-8 as it comes, each part with where it stands.

    Raises:
        RecurraError: it is in another encoding.
    """
    decoder, at = codecs.getincrementaldecoder("utf-8-sig")(), 0
    name = str(file or "standard input")
    with opened(file) as source:
        read: Callable[[int], bytes] = getattr(source, "read1", source.read)
        try:
            while raw := read(PIECE):
                if piece := decoder.decode(raw):
                    yield f"{name}: byte {at + 1:,}", piece
                at += len(raw)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            raise RecurraError(
                f"{name} is no UTF-8 near byte {at + 1:,}: {error.reason}"
            ) from error


def rows(file: Path | None, parse: Callable[[str], Any]) -> Pieces:
    """Yield what each line says: a value of JSON, or numbers with commas or blanks between.

    Raises:
        RecurraError: a line is too long, no text, or neither.
    """
    name = str(file or "standard input")
    with opened(file) as source:
        number = 0
        while raw := source.readline(LONGEST_LINE + 1):
            number += 1
            where = f"{name}:{number}"
            if len(raw) > LONGEST_LINE:
                raise RecurraError(f"{where} has more than {LONGEST_LINE:,} bytes; is it a table?")
            try:
                yield where, parse(raw.decode("utf-8-sig").strip())
            except ValueError as error:  # of UTF-8, of JSON, of a number
                raise RecurraError(
                    f"{where} is no row; give numbers with commas between, or JSON"
                ) from error


def row(line: str) -> Any:
    """Return a row of numbers; nothing between two commas is a number that is missing.

    Raises:
        ValueError: it is none.
    """
    if line.startswith(("[", "{")):
        return json.loads(line)
    cells = line.split(",") if "," in line else PARTS.split(line)
    return [float(cell) if cell.strip() else None for cell in cells]


def notes(line: str) -> Any:
    """Return the notes of a step, none of an empty line.

    Raises:
        ValueError: it is none.
    """
    if line.startswith(("[", "{")):
        return json.loads(line)
    return [int(cell) for cell in PARTS.split(line) if cell]


def samples(file: Path | None, wanted: sound.Wanted, size: int) -> Pieces:
    """Yield samples, so many at a time: of a sound file, or of standard input as raw float32.

    Raises:
        RecurraError: the file is no sound.
    """
    if file is not None:
        heard = sound.load(file, wanted, Rows())
        assert heard is not None  # a bad one is raised
        yield from ((str(file), heard[a : a + size]) for a in range(0, len(heard), size))
        return
    with opened(None) as source:
        read: Callable[[int], bytes] = getattr(source, "read1", source.read)
        held = b""
        while raw := read(4 * size):
            held += raw
            whole = len(held) // 4 * 4
            if whole:
                yield "standard input", np.frombuffer(held[:whole], "<f4").astype(np.float32)
            held = held[whole:]
