"""Bach's four-part chorales, out of the music21 corpus: the sample for music."""

import dataclasses
import random
import subprocess
import sys
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from zipfile import BadZipFile, ZipFile

import numpy as np

from recurra.data.readers import midi, smf
from recurra.data.readers.midi import Mode, Tune
from recurra.data.samples.cache import cache_folder, replaced
from recurra.data.splits import Splits
from recurra.errors import MissingExtra, RecurraError
from recurra.training.options import Body

VERSION = b"recurra chorales 1"
TICKS = 480  # per quarter note
VOICES = ("Soprano", "Alto", "Tenor", "Bass")
OPENING = 9  # soprano notes that tell a melody
PROCESSES = 2


class Piece(NamedTuple):
    """One chorale, and what tells whether another is set to the same melody."""

    name: str
    data: bytes
    title: str
    opening: str


def load(recipe: Body) -> Splits[Tune]:
    """Return the chorales, 80/10/10 by piece; settings of one melody stay in one part.

    The first call reads the corpus (half a minute) and keeps MIDI files in the user's cache folder;
    a damaged cache is written anew. The seed shuffles training only.

    Raises:
        MissingExtra: music21 or symusic is not installed.
        RecurraError: the corpus cannot be read.
    """
    smf.symusic()
    path = cache_folder() / "chorales.zip"
    if not _sound(path):
        if find_spec("music21") is None:
            raise MissingExtra("the chorales sample", "music21", "demo")
        _build(path)
    splits = midi.read(dataclasses.replace(recipe, data=str(path), valid=None, test=None))
    random.Random(recipe.seed).shuffle(splits.train)
    return splits


def _sound(path: Path) -> bool:
    try:
        with ZipFile(path) as archive:
            return archive.comment == VERSION and archive.testzip() is None
    except (OSError, BadZipFile, EOFError, NotImplementedError, RuntimeError):
        return False


def _build(path: Path) -> None:
    pieces = _convert_all()
    with replaced(path) as temporary, ZipFile(temporary, "w") as archive:
        archive.comment = VERSION
        for part, chosen in _parts(pieces).items():
            for piece in chosen:
                archive.writestr(f"{part}/{piece.name}.mid", piece.data)


def _convert_all() -> list[Piece]:
    """Read the corpus in processes of their own: `multiprocessing` would run a user's script."""
    with TemporaryDirectory() as folder:
        workers = [
            subprocess.Popen(
                [sys.executable, "-m", "recurra.data.samples.chorales", folder, str(share)],
                stderr=subprocess.PIPE,
                text=True,
            )
            for share in range(PROCESSES)
        ]
        errors = [worker.communicate()[1] for worker in workers]
        if any(worker.returncode for worker in workers):
            last = "".join(errors).strip().splitlines()[-1:]
            raise RecurraError(f"the chorales of music21 cannot be read: {''.join(last)}")
        return [
            Piece(file.stem, file.read_bytes(), *file.with_suffix(".txt").read_text().split("\n"))
            for file in sorted(Path(folder).glob("*.mid"))
        ]


def _parts(pieces: list[Piece]) -> dict[str, list[Piece]]:
    """Return the pieces by part, those with one title or one opening together."""
    family: dict[str, set[str]] = {piece.name: {piece.name} for piece in pieces}
    for told in ("title", "opening"):
        first: dict[str, str] = {}
        for piece in pieces:
            twin = first.setdefault(getattr(piece, told), piece.name)
            merged = family[twin] | family[piece.name]
            family.update(dict.fromkeys(merged, merged))
    by_name = {piece.name: piece for piece in pieces}
    families = {min(names): sorted(names) for names in family.values()}
    order = sorted(families, key=lambda name: sha256(name.encode()).digest())
    parts: dict[str, list[Piece]] = {"test": [], "valid": [], "train": []}
    for name in order:
        part = next(p for p in parts if p == "train" or len(parts[p]) < len(pieces) / 10)
        parts[part] += [by_name[member] for member in families[name]]
    return parts


def convert(score: Any, name: str) -> Piece | None:
    """Return a parsed score as a piece; None if it has not four voices, or no notes in one."""
    library = smf.symusic()
    voices = [[n for n in part.flatten().notes if n.isNote] for part in score.parts]
    if len(voices) != len(VOICES) or not all(voices):
        return None
    written = library.Score(TICKS)
    for title, notes in zip(VOICES, voices, strict=True):
        track = library.Track(name=title, program=52)  # choir
        for note in notes:
            start, length = (round(TICKS * float(x)) for x in (note.offset, note.quarterLength))
            if length:
                track.notes.append(library.Note(start, length, note.pitch.midi, 80))
        written.tracks.append(track)
    signature = next(iter(score.recurse().getElementsByClass("KeySignature")), None)
    key, mode = _key(written, signature.sharps if signature else None, voices[-1][-1].pitch.midi)
    sharps = (7 * (key - (9 if mode == "minor" else 0)) + 5) % 12 - 5
    written.key_signatures.append(library.KeySignature(0, sharps, 1 if mode == "minor" else 0))
    meter = next(iter(score.recurse().getElementsByClass("TimeSignature")), None)
    if meter:
        beats = library.TimeSignature(0, meter.numerator, meter.denominator)
        written.time_signatures.append(beats)
    written.tempos.append(library.Tempo(0, 80))
    pitches = [note.pitch.midi for note in voices[0][:OPENING]]
    opening = " ".join(str(step) for step in np.diff(pitches))
    metadata = score.metadata
    title = (metadata.title or metadata.movementName or name) if metadata else name
    return Piece(name, written.dumps_midi(), " ".join(title.split()), opening)


def _key(score: Any, sharps: int | None, last_bass: int) -> tuple[int, Mode]:
    """Return the key: of the signature's two, the one that the last bass note is the tonic of."""
    if sharps is not None:
        major, minor = 7 * sharps % 12, (7 * sharps + 9) % 12
        if last_bass % 12 == major:
            return major, "major"
        if last_bass % 12 == minor:
            return minor, "minor"
    return midi.key_of(score)


def main(folder: str, share: int) -> None:
    """Convert every `PROCESSES`-th chorale of the corpus, from `share` on, into `folder`."""
    corpus, converter = import_module("music21.corpus"), import_module("music21.converter")

    def parse(path: Path) -> Any:
        return converter.parse(path, forceSource=True, storePickle=False)

    paths = [Path(str(path)) for path in corpus.getComposer("bach")]
    for path in sorted(p for p in paths if p.name.startswith("bwv"))[share::PROCESSES]:
        name = path.name.removesuffix(".mxl").removesuffix(".xml").removesuffix(".krn")
        if piece := convert(parse(path), name):
            target = Path(folder) / f"{name}.mid"
            target.write_bytes(piece.data)
            target.with_suffix(".txt").write_text(f"{piece.title}\n{piece.opening}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
