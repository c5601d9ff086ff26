"""A tune and its key as tensors."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from recurra.codecs.tunes import GeneratedTune, MidiFile, parse
from recurra.data.batch import Paired
from recurra.data.music import MODES, SETTINGS, Notes
from recurra.data.readers.midi import Tune
from recurra.tasks.evaluation import lengths, pad

__all__ = ["GeneratedTune", "MidiFile", "MusicCodec", "longest_copy", "parse"]


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
