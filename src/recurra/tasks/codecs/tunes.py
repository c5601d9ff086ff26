"""A tune and its key as tensors."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from recurra.data.batch import Paired
from recurra.data.music import KEYS, MODES, SETTINGS, Notes, note_list
from recurra.data.readers.midi import Tune
from recurra.errors import RecurraError
from recurra.tasks.evaluation import lengths, pad


@dataclass(frozen=True)
class MusicCodec:
    """Notes to tokens (bars, positions, pitches, durations), key and mode to numbers.

    Args:
        notes: the tokenizer.
        max_length: tokens that are read or written, at most.
    """

    notes: Notes
    max_length: int

    def encode(self, example: Tune) -> tuple[Tensor, Tensor, Tensor]:
        """Return tokens shifted right, tokens, (key, mode)."""
        known = example.tokens if self.notes.settings == SETTINGS else None
        ids = self.notes.encode(example.score, self.max_length) if known is None else known
        tokens = torch.tensor([self.notes.start, *ids[: self.max_length - 1], self.notes.end])
        x, y = tokens[:-1], tokens[1:]
        return x, y, torch.tensor([example.key, MODES.index(example.mode)])

    def collate(self, items: Sequence[tuple[Tensor, ...]]) -> Paired:
        """Return a padded batch."""
        x, y, attributes = zip(*items, strict=True)
        return Paired(torch.stack(attributes), pad(x), pad(y), lengths(x))

    def files(self) -> dict[str, str]:
        """Return the tokenizer's settings."""
        settings = {"max_length": self.max_length}
        return {"notes.json": self.notes.to_json(), "music.json": json.dumps(settings)}

    @classmethod
    def from_files(cls, files: Mapping[str, str]) -> MusicCodec:
        """Return the codec that wrote these files."""
        return cls(Notes.from_json(files["notes.json"]), **json.loads(files["music.json"]))


class MidiFile:
    """An answer that is a standard MIDI file."""

    midi: bytes
    ending: ClassVar[str] = ".mid"

    def save(self, path: str | Path) -> Path:
        """Write the `.mid` file."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.midi)
        return path


@dataclass(frozen=True)
class GeneratedTune(MidiFile):
    """A tune written by a model: a standard MIDI file."""

    key: str
    mode: str
    bars: int
    tokens: list[int]
    midi: bytes

    def asdict(self) -> dict[str, Any]:
        """Return plain values (the file itself is left out)."""
        values = asdict(self)
        del values["midi"]
        return values

    def notes(self) -> list[tuple[float, float, int]]:
        """Return (start, length, pitch) of every note, times in beats."""
        return note_list(self.midi)

    def __str__(self) -> str:
        """Show key, mode and length."""
        return f"{self.key} {self.mode}, {self.bars} bars, {len(self.tokens)} tokens"


def parse(text: str | tuple[int, str]) -> tuple[int, str]:
    """Return (key, mode) of "G major", "f# minor", or "D"; or of that pair itself.

    Raises:
        RecurraError: it names no key or mode.
    """
    match text:
        case (int(key), str(given)) if 0 <= key < len(KEYS) and given in MODES:
            return key, given
    if not isinstance(text, str):
        raise RecurraError(
            f"a {type(text).__name__} is no key and mode; give (7, 'major') or G major"
        )
    name, _, mode = text.strip().partition(" ")
    name = name.replace("♯", "#").replace("♭", "b")
    flats = {"Db": "C#", "Eb": "D#", "Gb": "F#", "Ab": "G#", "Bb": "A#"}
    name = name[:1].upper() + name[1:]
    name = flats.get(name, name)
    mode = mode.strip().lower() or "major"
    if name not in KEYS or mode not in MODES:
        raise RecurraError(f"{text!r} is no key and mode; write G major, f# minor, Bb major")
    return KEYS.index(name), mode


def longest_copy(tokens: Sequence[int], corpus: Sequence[Sequence[int]]) -> int:
    """Return the longest run of tokens that also stands in a piece of the corpus."""
    best = 0
    for piece in corpus:
        where: dict[int, list[int]] = {}
        for i, token in enumerate(piece):
            where.setdefault(token, []).append(i)
        runs: Counter[int] = Counter()
        for token in tokens:
            runs = Counter({i: runs[i - 1] + 1 for i in where.get(token, [])})
            best = max(best, max(runs.values(), default=0))
    return best
