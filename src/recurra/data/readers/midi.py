"""Tunes: a folder or zip of MIDI files, with the key of each."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NamedTuple
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray

from recurra.data.readers.source import Kind, assemble, part_of
from recurra.data.readers.text import Rows, existing, existing_file
from recurra.data.splits import Splits
from recurra.errors import DataError, MissingExtra
from recurra.training.recipe import Recipe

Mode = Literal["major", "minor"]
ENDINGS = (".mid", ".midi")
LARGEST_FILE = 16 << 20

# How well each pitch class fits a key on C: Krumhansl and Kessler's probe-tone ratings.
MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)


class Tune(NamedTuple):
    """A score (symusic) with its tonic (0 is C, 11 is B) and mode."""

    score: Any
    key: int
    mode: Mode
    where: str


class Entry(NamedTuple):
    """One MIDI file, still packed: its path inside the source, and its bytes."""

    name: PurePosixPath
    data: bytes
    where: str


def symusic() -> Any:
    """Return the symusic library.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        return import_module("symusic")
    except ImportError as error:
        raise MissingExtra("reading MIDI files", "symusic", "music") from error


def read(recipe: Recipe) -> Splits[Tune]:
    """Return the tunes of `recipe.data`, in three parts: its folders train, valid, test if any.

    Raises:
        DataError: there are no MIDI files, or one cannot be used.
        MissingExtra: symusic is not installed.
    """
    symusic()
    rows = Rows.of(recipe)
    parts: dict[str, list[Tune]] = {}
    for entry in _entries(existing(str(recipe.data)), rows):
        folders = (part_of(folder) for folder in entry.name.parent.parts)
        part = next((part for part in folders if part), "train")
        parts.setdefault(part, []).extend(_tunes(entry, rows))
    for part, named in [("valid", recipe.valid), ("test", recipe.test)]:
        if named:
            parts[part] = read_path(existing(named), rows)
    if "train" not in parts:
        raise DataError(str(recipe.data), "has no MIDI files (.mid) for training")
    kind = Kind[Tune](content=lambda tune: melody(tune.score))
    return assemble(parts, recipe, kind, rows)


def read_path(path: Path, rows: Rows) -> list[Tune]:
    """Return the tunes of one folder, zip or file.

    Raises:
        DataError: it cannot be used, or one of its tunes and `rows` does not skip.
    """
    return [tune for entry in _entries(path, rows) for tune in _tunes(entry, rows)]


def _entries(path: Path, rows: Rows) -> Iterator[Entry]:
    if path.is_dir():
        files = [p for p in sorted(path.rglob("*")) if p.suffix.lower() in ENDINGS]
        archives = [p for p in sorted(path.iterdir()) if p.suffix.lower() == ".zip"]
        if not files and len(archives) == 1:
            yield from _entries(archives[0], rows)
        for file in files:
            if file.stat().st_size > LARGEST_FILE:
                rows.bad(file, "is over 16 MiB")
            else:
                yield Entry(PurePosixPath(file.relative_to(path)), file.read_bytes(), str(file))
    elif path.suffix.lower() in ENDINGS:
        yield Entry(PurePosixPath(path.name), existing_file(path).read_bytes(), str(path))
    else:
        yield from _unzipped(existing_file(path), rows)


def _unzipped(path: Path, rows: Rows) -> Iterator[Entry]:
    try:
        archive = ZipFile(path)
    except BadZipFile as error:
        raise DataError(path, "is neither a folder, a zip, nor a .mid file") from error
    with archive:
        for info in sorted(archive.infolist(), key=lambda info: info.filename):
            name = PurePosixPath(info.filename)
            if name.suffix.lower() not in ENDINGS:
                continue
            where = f"{path}/{name}"
            if info.file_size > LARGEST_FILE:
                rows.bad(where, "is over 16 MiB")
                continue
            try:
                data = archive.read(info)
            except (BadZipFile, OSError, RuntimeError, EOFError) as error:
                rows.bad(where, f"cannot be unpacked: {error}")
                continue
            yield Entry(name, data, where)


def _tunes(entry: Entry, rows: Rows) -> list[Tune]:
    """Return the tune of an entry; none if it was bad."""
    try:
        score = symusic().Score.from_midi(entry.data)
    except (RuntimeError, ValueError) as error:
        rows.bad(entry.where, f"is not a MIDI file that can be read: {error}")
        return []
    if score.note_num() == 0:
        rows.bad(entry.where, "has no notes")
        return []
    return [Tune(score, *key_of(score), entry.where)]


def melody(score: Any) -> bytes:
    """Return what makes two tunes the same: pitches and times of all notes, by track."""
    return b"|".join(
        np.stack([track.notes.numpy()[k].astype(np.int32) for k in ("time", "pitch")]).tobytes()
        for track in score.tracks
    )


def key_of(score: Any) -> tuple[int, Mode]:
    """Return tonic and mode: of the first key signature in the file, or else estimated."""
    if len(score.key_signatures):
        signature = score.key_signatures[0]
        if -7 <= signature.key <= 7:
            minor = signature.tonality == 1
            return (7 * signature.key + (9 if minor else 0)) % 12, "minor" if minor else "major"
    weights = np.zeros(12)
    for track in score.tracks:
        if not track.is_drum and len(track.notes):
            notes = track.notes.numpy()
            classes = notes["pitch"].astype(np.int64) % 12
            weights += np.bincount(classes, weights=notes["duration"], minlength=12)
    return estimate_key(weights)


def estimate_key(weights: NDArray[Any]) -> tuple[int, Mode]:
    """Return the key whose profile correlates best with the time each pitch class sounds.

        argmax over tonic t and mode m of corr(weights, profile_m rotated by t)

    Krumhansl and Schmuckler, in Krumhansl 1990, Cognitive Foundations of Musical Pitch, chapter 4;
    profiles of Krumhansl and Kessler 1982, https://doi.org/10.1037/0033-295X.89.4.334.
    """
    spread = weights - weights.mean()
    scores: list[tuple[float, int, Mode]] = []
    modes: list[tuple[tuple[float, ...], Mode]] = [(MAJOR, "major"), (MINOR, "minor")]
    for profile, mode in modes:
        ideal = np.asarray(profile) - np.mean(profile)
        ideal /= np.linalg.norm(ideal)
        scores += [(float(spread @ np.roll(ideal, tonic)), -tonic, mode) for tonic in range(12)]
    _, tonic, mode = max(scores, key=lambda score: score[:2])
    return -tonic, mode
