"""Recordings and what is said in them: a manifest, LibriSpeech's folders, or Kaldi's."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from recurra.data.readers.recordings import Recording, kaldi, librispeech, manifest, there
from recurra.data.readers.sound import Samples, Wanted, load
from recurra.data.readers.source import Format, read_parts
from recurra.data.readers.text import Rows, say
from recurra.data.splits import Splits
from recurra.errors import DataError
from recurra.training.options import Transcripts

FASTEST = 50  # letters a second: twice as many as the fastest speakers say
ENOUGH = 10  # speakers, of whom some can be held out
MANIFESTS = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".txt")


class Utterance(NamedTuple):
    """A recording, and what is said in it.

    Args:
        samples: of one channel, full scale 1.
        text: the words.
        speaker: who says them, or "" where nobody knows.
        where: the row that names it.
    """

    samples: Samples
    text: str
    speaker: str
    where: str


def read(recipe: Transcripts, wanted: Wanted) -> Splits[Utterance]:
    """Return the utterances of `recipe.data`, in three parts.

    It is a manifest of paths and texts (.csv, .tsv, .jsonl), a folder of LibriSpeech's or of
    Kaldi's form, or a folder with a part in each of several such.

    Raises:
        DataError: a file or row cannot be used.
        MissingExtra: soundfile or soxr is not installed.
    """
    data = Path(str(recipe.data)).expanduser()
    columns = recipe.path_column, recipe.text_column
    speakers: set[str] = set()

    def one(path: Path, rows: Rows) -> list[Utterance]:
        found = list(utterances(path, rows, wanted, columns))
        if not found:
            raise DataError(path, "holds no utterance that can be read")
        speakers.update(one.speaker for one in found)
        return found

    form = Format(
        content=lambda one: one.speaker if apart(speakers) else content(one),
        read=one,
        accepts=lambda path: is_source(path) or _is_manifest(path),
        whole=is_source(data),
    )
    splits = read_parts(recipe, form)
    if data.is_file() and not (recipe.valid and recipe.test):
        held = "speakers, each in one part" if apart(speakers) else "utterances, of any speaker"
        say(f"{recipe.data}: what is split off are {held}")
    # who speaks parts the rows; what two rows share is what is heard and said
    return dataclasses.replace(splits, content=content)


def content(one: Utterance) -> bytes:
    """Return what makes two utterances the same."""
    return one.text.encode() + b"\0" + one.samples.tobytes()


def apart(speakers: set[str]) -> bool:
    """Return whether all speakers are known, and enough that some of them can be held out."""
    return "" not in speakers and len(speakers) >= ENOUGH


def is_source(path: Path) -> bool:
    """Return whether a folder is itself a set of recordings: LibriSpeech's, or Kaldi's."""
    return path.is_dir() and (
        (path / "wav.scp").is_file() or next(path.rglob("*.trans.txt"), None) is not None
    )


def _is_manifest(path: Path) -> bool:
    return path.is_file() and path.name.lower().removesuffix(".gz").endswith(MANIFESTS)


def utterances(
    path: Path, rows: Rows, wanted: Wanted, columns: tuple[str | None, str | None]
) -> Iterator[Utterance]:
    """Yield what can be used of one source."""
    if path.is_dir():
        found = kaldi(path, rows) if (path / "wav.scp").is_file() else librispeech(path, rows)
        if any(columns):
            say(f"{path}: is no table; path_column and text_column are of no use to it")
    else:
        found = manifest(path, rows, *columns)
    for one in found:
        if (samples := _heard(one, rows, wanted)) is not None:
            text = " ".join(one.text.split())
            yield Utterance(samples, text, one.speaker, f"{one.listed}:{one.row}")


def _heard(one: Recording, rows: Rows, wanted: Wanted) -> Samples | None:
    letters = len("".join(one.text.split()))
    if not letters:
        rows.bad(one.listed, "has no words", one.row)
        return None
    if not there(one.path):
        rows.bad(one.listed, f"names {one.path}, which is no file", one.row)
        return None
    samples = load(one.path, wanted, rows)
    if samples is not None and letters > FASTEST * len(samples) / wanted.rate:
        seconds = len(samples) / wanted.rate
        reason = f"has {letters} letters in {seconds:.2f} s; is it what {one.path.name} says?"
        rows.bad(one.listed, reason, one.row)
        return None
    return samples
