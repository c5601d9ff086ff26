"""Tunes: MIDI files, alone, in a folder or in a zip, with the key of each."""

import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NamedTuple
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray

from recurra.data.music import SETTINGS, Notes, Voice
from recurra.data.readers.excerpts import excerpts
from recurra.data.readers.smf import parse, symusic
from recurra.data.readers.source import Kind, assemble, part_of
from recurra.data.readers.text import Rows, existing, existing_file, say
from recurra.data.splits import Splits
from recurra.errors import DataError
from recurra.training.options import Body

Mode = Literal["major", "minor"]
ENDINGS = (".mid", ".midi", ".rmi", ".kar")
PITCHES = f"{SETTINGS['pitch_range'][0]} to {SETTINGS['pitch_range'][1] - 1}"
LARGEST_FILE = 16 << 20
MOST_CHANGES = 1_000
MOST_BEATS = 50_000  # quarter notes to the last note: seven hours at 120 a minute
BEATS_PER_NOTE = 64  # a piece with fewer notes is silence, or its division is wrong

# How well each pitch class fits a key on C: Krumhansl and Kessler's probe-tone ratings.
MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)


class Tune(NamedTuple):
    """A score (symusic) with its tonic (0 is C, 11 is B) and mode.

    Args:
        score: the whole of it.
        key: tonic.
        mode: major or minor.
        where: its file.
        tokens: the beginning, as `Notes` writes it; none: not written yet.
    """

    score: Any
    key: int
    mode: Mode
    where: str
    tokens: NDArray[np.int32] | None = None


class Entry(NamedTuple):
    """One MIDI file, still packed: its path inside the source, and its bytes."""

    name: PurePosixPath
    data: bytes
    where: str


class Reading:
    """What all files of a run are read with.

    Args:
        rows: collects bad files.
        longest: tokens of a tune that are read, at most.
    """

    def __init__(self, rows: Rows, longest: int) -> None:
        self.rows, self.longest, self.notes = rows, longest, Notes()
        self.counts: Counter[str] = Counter()
        self.first: dict[str, str] = {}

    def tell(self, what: str, count: int, where: str) -> None:
        """Count what is not as the file has it, to be told once for all files."""
        if count:
            self.counts[what] += count
            self.first.setdefault(what, where)

    def close(self, data: str) -> None:
        """Tell what was counted."""
        for what, count in self.counts.items():
            say(f"{data}: {what}: {count:,} (first in {self.first[what]})")


def read(recipe: Body) -> Splits[Tune]:
    """Return the tunes of `recipe.data`, in three parts: its folders train, valid, test if any.

    Too few tunes to hold whole ones out are split in time: the parts of a tune follow each other.

    Raises:
        DataError: there are no MIDI files, or one cannot be used.
        MissingExtra: symusic or miditok is not installed.
    """
    symusic()
    data, rows = str(recipe.data), Rows.of(recipe)
    reading = Reading(rows, recipe.max_length)
    parts: dict[str, list[Tune]] = {}
    for entry in _entries(existing(data), rows):
        folders = (part_of(folder) for folder in entry.name.parent.parts)
        part = next((part for part in folders if part), "train")
        parts.setdefault(part, []).extend(_tunes(entry, reading))
    if len(parts) > 1:
        counts = ", ".join(f"{part} {len(tunes)}" for part, tunes in sorted(parts.items()))
        say(f"{data}: parts by the names of folders: {counts}")
    for part, named in [("valid", recipe.valid), ("test", recipe.test)]:
        if named:
            parts[part] = [
                tune for entry in _entries(existing(named), rows) for tune in _tunes(entry, reading)
            ]
    if "train" not in parts:
        raise DataError(data, "has no MIDI files (.mid) for training")
    reading.close(data)
    kind = Kind[Tune](content=lambda tune: melody(tune.score))
    missing = [part for part in ("valid", "test") if part not in parts]
    different = {kind.content(tune) for tune in parts["train"]}
    if missing and 0 < len(different) <= len(missing):
        for tune in (tune for part in parts if part != "train" for tune in parts[part]):
            if kind.content(tune) in different:
                raise DataError(tune.where, "is in the training part too; name another file")
        parts |= _in_time(parts["train"], missing, reading, data)
    return assemble(parts, recipe, kind, rows)


def one(path: Path) -> Any:
    """Return the score of a MIDI file, or of the first in a folder or zip.

    Raises:
        DataError: there is none, or it cannot be used.
        MissingExtra: symusic or miditok is not installed.
    """
    symusic()
    reading = Reading(Rows(), 1)
    for entry in _entries(existing(path), reading.rows):
        for tune in _tunes(entry, reading):
            reading.close(str(path))
            return tune.score
    raise DataError(path, "has no MIDI file (.mid)")


def _in_time(
    tunes: list[Tune], missing: list[str], reading: Reading, data: str
) -> dict[str, list[Tune]]:
    """Return the parts of a few tunes, each cut at bar lines into stretches that are read whole."""
    parts: dict[str, list[Tune]] = {part: [] for part in ("train", *missing)}
    for tune in tunes:
        voice = reading.notes.voice(tune.score).score
        cut = excerpts(voice, list(parts), reading.longest - 1)
        if cut is None:
            needed = f"at least {1 + len(missing)} bars with notes, or {1 + len(missing)} tunes"
            raise DataError(tune.where, f"is too short to be split; {needed} are needed")
        signed = len(tune.score.key_signatures) > 0
        for part, stretches in cut.items():
            for stretch in stretches:
                key = (tune.key, tune.mode) if signed else key_of(stretch.score)
                where = f"{tune.where}, bars {stretch.first} to {stretch.last}"
                tokens = _tokens(stretch.score, where, reading)
                if tokens is not None:
                    parts[part].append(Tune(stretch.score, *key, where, tokens))
    what = "one tune is" if len(tunes) == 1 else f"{len(tunes)} tunes are"
    order = " and ".join({"valid": "validation"}.get(part, part) for part in missing)
    say(f"{data}: {what} split in time at bar lines, {order} last (--valid, --test: other files)")
    return parts


def _entries(path: Path, rows: Rows) -> Iterator[Entry]:
    if path.is_dir():
        files = [p for p in sorted(path.rglob("*")) if _is_midi(p.name) and not p.is_dir()]
        archives = [p for p in sorted(path.iterdir()) if p.suffix.lower() == ".zip"]
        if not files and len(archives) == 1:
            yield from _entries(archives[0], rows)
        for file in files:
            try:
                if not file.is_file():
                    rows.bad(file, "is not a file that can be read")
                elif file.stat().st_size > LARGEST_FILE:
                    rows.bad(file, "is over 16 MiB")
                else:
                    name = PurePosixPath(file.relative_to(path))
                    yield Entry(name, file.read_bytes(), str(file))
            except OSError as error:
                rows.bad(file, f"cannot be read: {error.strerror or error}")
    elif path.suffix.lower() in ENDINGS:
        if not path.is_file():  # a pipe would be waited for
            raise DataError(path, "is not a file that can be read")
        if existing_file(path).stat().st_size > LARGEST_FILE:
            raise DataError(path, "is over 16 MiB")
        yield Entry(PurePosixPath(path.name), path.read_bytes(), str(path))
    else:
        yield from _unzipped(existing_file(path), rows)


def _is_midi(name: str) -> bool:
    """Return whether it is a MIDI file by its name, and no shadow of one (macOS, in zips)."""
    return PurePosixPath(name).suffix.lower() in ENDINGS and not name.startswith("._")


def _unzipped(path: Path, rows: Rows) -> Iterator[Entry]:
    try:
        archive = ZipFile(path)
    except BadZipFile as error:
        raise DataError(path, "is neither a folder, a zip, nor a .mid file") from error
    with archive:
        for info in sorted(archive.infolist(), key=lambda info: info.filename):
            name = PurePosixPath(info.filename)
            if info.is_dir() or not _is_midi(name.name):
                continue
            where = f"{path}/{name}"
            if info.file_size > LARGEST_FILE:
                rows.bad(where, "is over 16 MiB")
                continue
            try:
                data = archive.read(info)
            except (BadZipFile, OSError, RuntimeError, EOFError, zlib.error) as error:
                rows.bad(where, f"cannot be unpacked: {error}")
                continue
            yield Entry(name, data, where)


def _tunes(entry: Entry, reading: Reading) -> list[Tune]:
    """Return the tune of an entry; none if it was bad."""
    where, rows = entry.where, reading.rows
    try:
        score, endless = parse(entry.data)
    except ValueError as error:
        rows.bad(where, str(error))
        return []
    voice = reading.notes.voice(score)
    if reason := unusable(score, voice, endless):
        rows.bad(where, reason)
        return []
    if (tokens := _tokens(voice.score, where, reading)) is None:
        return []
    reading.tell(f"notes out of MIDI pitches {PITCHES}, left out", voice.outside, where)
    reading.tell("notes that last no time, left out", voice.silent, where)
    reading.tell("notes that never end, left out", endless, where)
    if voice.signatures:
        what = "tunes with a time signature that has no token, whose bars are counted by the one"
        reading.tell(
            f"{what} before or 4/4", 1, f"{where}: {', '.join(sorted(voice.signatures)[:5])}"
        )
    return [Tune(score, *key_of(score), where, tokens)]


def unusable(score: Any, voice: Voice, endless: int) -> str | None:
    """Return why a score's one voice is nothing to learn from, if so.

    What it costs to write tokens grows with notes and bars: both are bounded here.
    """
    tick, notes = score.tpq, voice.score.tracks[0].notes
    if not len(notes):
        if not score.note_num():
            return "has no notes" + (", none that ends" if endless else "")
        if not voice.pitched:
            return "has no pitched notes, drums alone"
        return f"has no pitched notes that last, of MIDI pitches {PITCHES}"
    if (changes := len(voice.score.time_signatures)) > MOST_CHANGES:
        return f"changes its time signature {changes:,} times; at most {MOST_CHANGES:,} are read"
    if notes[0].time < 0:
        return "has notes beyond 2**31 ticks"
    beats = notes[-1].time // tick
    if beats > MOST_BEATS or beats > BEATS_PER_NOTE * (1 + len(notes)):
        return (
            f"has {beats:,} quarter notes' time for {len(notes):,} notes, at a division of "
            f"{tick}: too much silence; is the division right?"
        )
    return None


def _tokens(voice: Any, where: str, reading: Reading) -> NDArray[np.int32] | None:
    try:
        return np.asarray(reading.notes.encode(voice, reading.longest), np.int32)
    except Exception as error:  # whatever the tokenizer cannot do, the file is to be named
        reading.rows.bad(where, f"cannot be written as tokens: {type(error).__name__}: {error}")
        return None


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
