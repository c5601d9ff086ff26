"""Piano-rolls out of MATLAB and JSON files, or made of MIDI files."""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from recurra.data.readers import midi
from recurra.data.readers.midi import Tune
from recurra.data.readers.source import Kind, assemble, part_of
from recurra.data.readers.text import Rows, existing_file, open_bytes, say
from recurra.data.rolls import KEYS, Roll, of_pitches, of_score
from recurra.data.splits import Splits
from recurra.errors import DataError, MissingExtra, RecurraError
from recurra.training.options import Body

LARGEST = 1 << 28  # bytes of a file, unpacked
FINEST = 96  # steps of a quarter note
SHORTEST = 2  # steps of a piece: one to begin with, one to foretell
HEADER, COMPRESSED, CHUNK = 128, 15, 1 << 20  # of MATLAB 5: bytes, a kind of element
ENDINGS = (".mat", ".json", ".json.gz")


def read(recipe: Body, steps: int) -> Splits[Roll]:
    """Return the pieces of `recipe.data`, in three parts.

    Raises:
        DataError: a file cannot be used, or a piece of it and `rows` does not skip.
        MissingExtra: what reads it is not installed.
    """
    finest(steps)
    data = Path(str(recipe.data)).expanduser()
    if not data.name.lower().endswith(ENDINGS):
        return of_splits(midi.read(recipe), steps)
    rows = Rows.of(recipe)
    parts = read_file(data, rows)
    for part, named in [("valid", recipe.valid), ("test", recipe.test)]:
        if named:
            found = read_file(Path(named).expanduser(), rows)
            if part not in found and "train" not in found:
                raise DataError(named, f"has no {part} part, only {', '.join(found)}")
            parts[part] = found.get(part) or found["train"]
    if "train" not in parts:
        raise DataError(data, f"has no training part, only {', '.join(parts)}")
    kind = Kind[Roll](content=lambda roll: roll.frames.tobytes())
    return assemble(parts, recipe, kind, rows)


def finest(steps: int) -> None:
    """Refuse a grid that would only make long silences longer.

    Raises:
        RecurraError: it is finer than that of any music.
    """
    if steps > FINEST:
        raise RecurraError(f"steps_per_beat is {steps}; {FINEST} are the most")


def of_splits(tunes: Splits[Tune], steps: int) -> Splits[Roll]:
    """Return tunes as rolls, in the parts that they are in; too short ones are left out, and told.

    Raises:
        RecurraError: the grid is too fine.
    """
    finest(steps)
    every = [[of_score(tune.score, steps, tune.where) for tune in part] for part in tunes.parts]
    train, valid, test = ([roll for roll in part if len(roll.frames) >= SHORTEST] for part in every)
    if few := sum(map(len, every)) - len(train) - len(valid) - len(test):
        say(f"{few} pieces of fewer than {SHORTEST} steps are left out (--steps-per-beat)")
    skipped, content = tunes.skipped, lambda roll: roll.frames.tobytes()
    return Splits(train, valid, test, skipped, tunes.encoding, content)


def first(path: Path, recipe: Body, steps: int) -> Roll:
    """Return the first piece of a file: of its training part, where it has parts.

    Raises:
        DataError: it cannot be used.
        MissingExtra: what reads it is not installed.
    """
    path = existing_file(path.expanduser())
    if path.name.lower().endswith(ENDINGS):
        return next(iter(read_file(path, Rows.of(recipe)).values()))[0]
    return of_score(midi.one(path), steps, str(path))


def read_file(path: Path, rows: Rows) -> dict[str, list[Roll]]:
    """Return the pieces of a MATLAB or JSON file, by part; "train" where it names none.

    Raises:
        DataError: it cannot be used, or a piece and `rows` does not skip.
    """
    path = existing_file(path)
    found = matlab(path) if path.suffix.lower() == ".mat" else pitches(path)
    parts: dict[str, list[Roll]] = {}
    for part, pieces in found.items():
        for number, make in enumerate(pieces, 1):
            where = f"{path}, {part} {number}"
            try:
                roll = make(where)
            except (ValueError, TypeError) as error:
                rows.bad(where, str(error))
                continue
            if len(roll.frames) < SHORTEST:
                rows.bad(where, f"has {len(roll.frames)} steps; {SHORTEST} are the least")
            else:
                parts.setdefault(part, []).append(roll)
    if not parts:
        raise DataError(path, "holds no piece that can be used")
    return parts


Makers = Mapping[str, Iterable[Callable[[str], Roll]]]


def matlab(path: Path) -> Makers:
    """Return what makes the pieces of `traindata`, `validdata`, `testdata`: cells of [time 88].

    Raises:
        DataError: it is no MATLAB file of such cells.
        MissingExtra: scipy is not installed.
    """
    try:
        from scipy.io import loadmat
    except ImportError as error:
        raise MissingExtra("reading MATLAB files", "scipy", "music") from error
    if unpacked(path) > LARGEST:
        raise DataError(path, f"unpacks to over {LARGEST >> 20} MiB")
    try:
        held = loadmat(path)
    except Exception as error:  # whatever scipy finds in a file that is none
        raise DataError(
            path, f"cannot be read as MATLAB 5: {' '.join(str(error).split())}"
        ) from error
    cells = {part_of(name.removesuffix("data")): held[name] for name in held if name[:2] != "__"}
    found = {part: cell.ravel() for part, cell in cells.items() if part and cell.dtype == object}
    if not found:
        names = ", ".join(name for name in held if name[:2] != "__") or "none"
        raise DataError(path, f"needs cells traindata, validdata, testdata; it holds {names}")
    return {part: [_of_array(array) for array in arrays] for part, arrays in found.items()}


def unpacked(path: Path) -> int:
    """Return the bytes that a MATLAB 5 file unpacks to; no more than a little over `LARGEST`."""
    total = path.stat().st_size
    with path.open("rb") as file:
        order = "<" if file.read(HEADER)[-2:] == b"IM" else ">"
        while total <= LARGEST and len(tag := file.read(8)) == 8:
            kind, size = struct.unpack(f"{order}II", tag)
            if kind != COMPRESSED:
                file.seek(size, os.SEEK_CUR)
                continue
            unpack, left = zlib.decompressobj(), file.read(min(size, LARGEST))
            while left and total <= LARGEST:
                try:
                    total += len(unpack.decompress(left, CHUNK))
                except zlib.error:  # scipy says what is wrong with it
                    return total
                left = unpack.unconsumed_tail
    return total


def _of_array(array: Any) -> Callable[[str], Roll]:
    def make(where: str) -> Roll:
        values = np.asarray(array)
        if values.ndim != 2 or values.shape[1] != KEYS:
            raise ValueError(f"is {list(values.shape)}; a piece is [time {KEYS}]")
        if not np.isin(values, (0, 1)).all():
            raise ValueError("holds other numbers than 0 and 1")
        return Roll(values.astype(np.uint8), where)

    return make


def pitches(path: Path) -> Makers:
    """Return what makes the pieces of lists of steps of MIDI pitches, by part or without.

    Raises:
        DataError: it is no JSON of such lists.
    """
    try:
        with open_bytes(path) as file:
            text = file.read(LARGEST + 1)
        if len(text) > LARGEST:
            raise DataError(path, f"unpacks to over {LARGEST >> 20} MiB")
        held = json.loads(text)
    except (OSError, EOFError, ValueError, RecursionError) as error:
        raise DataError(path, f"cannot be read as JSON: {error}") from error
    named = held if isinstance(held, dict) else {"train": held}
    found = {part_of(name): pieces for name, pieces in named.items()}
    if None in found or not all(isinstance(pieces, list) for pieces in found.values()):
        listed = ", ".join(named)
        raise DataError(path, f"needs lists train, valid, test, or one list; it holds {listed}")
    return {
        str(part): [partial(of_pitches, piece) for piece in pieces]
        for part, pieces in found.items()
    }
