"""Running text: files, folders of them, JSON rows; kept as UTF-8 that is read in pieces."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import numpy as np

from recurra.data.passages import Passage, cut, digest
from recurra.data.readers.columns import is_text_name, plain, unusable
from recurra.data.readers.encoding import HANDLER, UNDECODED
from recurra.data.readers.hf import Records
from recurra.data.readers.objects import json_lines, json_whole
from recurra.data.readers.source import Format, gather
from recurra.data.readers.text import CHUNK, Rows, encoding_of, existing_file, open_bytes
from recurra.data.splits import Splits
from recurra.data.spool import Spool
from recurra.errors import DataError
from recurra.training.options import RunningText

TEXT = ("", ".txt", ".text", ".md", ".rst", ".tex", ".tokens", ".raw")
LINES = (".jsonl", ".ndjson")
LONGEST = 1 << 26  # characters of a JSON row: a book
NOT_PROSE = ("readme", "license", "licence")


class Choice:
    """The key of the text in JSON rows, decided once for all files of a run.

    Args:
        given: the key, where the user gave one.
    """

    def __init__(self, given: str | None) -> None:
        self.key = given

    def of(self, path: str | Path, row: int, record: Mapping[str, Any], rows: Rows) -> str:
        """Return it, decided by the first row.

        Raises:
            DataError: no value of the row is a text.
        """
        if self.key is None:
            texts = [key for key, value in record.items() if isinstance(value, str)]
            if not texts:
                known = ", ".join(record) or "none"
                raise DataError(path, f"has no text among its keys: {known}", row)
            self.key = max(texts, key=lambda key: (is_text_name(key), len(record[key])))
            if len(texts) > 1:
                rows.note(path, f"text read from {self.key!r} (--text-column changes it)")
        return self.key


def read(recipe: RunningText) -> Splits[Passage]:
    """Return the texts of `recipe.data`, in three parts.

    Where valid or test part is missing, it is cut off the end of the training part.

    Raises:
        DataError: a file or row cannot be used, or there is too little text.
    """
    rows, data = Rows.of(recipe), str(recipe.data)
    choice = Choice(recipe.text_column)
    form = Format(
        read=partial(read_path, choice=choice),
        accepts=lambda path: path.is_dir() or _ending(path) is not None,
        records=partial(_from_records, choice=choice),
        whole=True,
        content=digest,
    )
    parts = gather(recipe, form, rows)
    for part, passages in parts.items():
        if not any(len(passage.text) for passage in passages):
            raise DataError(data, f"has no text in its {part} part")
    parts |= cut(parts["train"], recipe, data, given=parts.keys())
    train, valid, test = (parts[part] for part in ("train", "valid", "test"))
    return Splits(train, valid, test, rows.close(), rows.encodings.settled, digest)


def read_path(path: Path, rows: Rows, choice: Choice) -> list[Passage]:
    """Return the texts of a file, or of all files in a folder, in the order of their names.

    Raises:
        DataError: a file cannot be used, or one of its rows and `rows` does not skip.
    """
    files = _inside(path, rows) if path.is_dir() else [existing_file(path)]
    spool, stops, wheres = Spool(np.uint8), [], []
    for file in files:
        for where, text in _texts(file, rows, choice):
            for piece in text:
                spool.add(np.frombuffer(piece.encode(), np.uint8))
            stops.append(spool.size)
            wheres.append(where)
    whole = spool.close()
    return [
        Passage(whole[start:stop], where)
        for start, stop, where in zip([0, *stops[:-1]], stops, wheres, strict=True)
    ]


def _texts(file: Path, rows: Rows, choice: Choice) -> Iterator[tuple[str, Iterable[str]]]:
    ending = _ending(file)
    if ending in LINES:
        yield from _documents(file, json_lines(file, rows, LONGEST), rows, choice)
    elif ending == ".json":
        yield from _documents(file, json_whole(file, rows), rows, choice)
    else:
        yield str(file), running(file, rows)


def _documents(
    path: str | Path, records: Iterable[tuple[int, Mapping[str, Any]]], rows: Rows, choice: Choice
) -> Iterator[tuple[str, list[str]]]:
    for row, record in records:
        key = choice.of(path, row, record, rows)
        if key not in record:
            known = ", ".join(record) or "none"
            rows.bad(path, f"has no key {key!r}; its keys are {known} (--text-column)", row)
            continue
        cell = plain(record[key])
        if wrong := unusable(cell):
            rows.bad(path, f"holds {wrong} in {key!r}", row)
        elif not cell.strip():
            rows.bad(path, f"has no text in {key!r}", row)
        else:
            yield f"{path}:{row}", [cell]


def _from_records(records: Records, rows: Rows, choice: Choice) -> list[Passage]:
    numbered = enumerate(records, start=1)
    found = _documents(records.name, numbered, rows, choice)
    return [
        Passage(np.frombuffer("".join(text).encode(), np.uint8), where) for where, text in found
    ]


def running(path: Path, rows: Rows) -> Iterator[str]:
    """Yield a text file in pieces; every end of a line is "\\n".

    Raises:
        DataError: it cannot be read, is not text, or is of another encoding than was found.
    """
    row = 1
    try:
        encoding = encoding_of(path, rows)
        with TextIOWrapper(open_bytes(path), encoding, errors=HANDLER) as file:
            while piece := file.read(CHUNK):
                first = row
                row += piece.count("\n")
                yield _usable(path, piece, first, rows).removeprefix("\ufeff" if first == 1 else "")
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(path, f"cannot be read: {error}") from error


def _usable(path: Path, piece: str, first: int, rows: Rows) -> str:
    """Return a piece whose bad characters were mended or, where they are skipped, left out."""
    if "\0" in piece:
        row = first + piece.count("\n", 0, piece.index("\0"))
        rows.bad(path, "holds a NUL character; a text file is needed", row)
        piece = piece.replace("\0", "")
    if piece.isascii() or not (bad := UNDECODED.search(piece)):
        return piece
    row = first + piece.count("\n", 0, bad.start())
    mended = rows.encodings.mended(str(path), piece, row)
    if mended is None:
        byte, name = f"0x{ord(bad[0]) & 0xFF:02x}", rows.encodings.name(str(path))
        rows.bad(path, f"is not {name} (byte {byte}); --encoding names another", row)
        return UNDECODED.sub("", piece)
    return mended


def _ending(path: Path) -> str | None:
    """Return the ending of a file's name, without .gz; None where no text ends so."""
    ending = Path(path.name.lower().removesuffix(".gz")).suffix
    return ending if ending in (*TEXT, *LINES, ".json") else None


def _inside(folder: Path, rows: Rows) -> list[Path]:
    every = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    every = [p for p in every if not any(x.startswith(".") for x in p.relative_to(folder).parts)]
    files = [
        path
        for path in every
        if _ending(path) is not None and not path.name.lower().startswith(NOT_PROSE)
    ]
    left = [path.name for path in every if path not in set(files)]
    if not files:
        raise DataError(folder, f"has no text file ({', '.join(TEXT[1:])}, .jsonl, .json, or .gz)")
    if left:
        rows.note(folder, f"{len(left)} files are no text by their names, {left[0]} for one")
    full = []
    for file in files:
        if file.stat().st_size:
            full.append(file)
        else:
            rows.bad(file, "is empty")
    return full
