"""A piano-roll as tensors; how it goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from recurra.codecs.rolls import Continuation, named
from recurra.data.batch import Aligned
from recurra.data.rolls import KEYS, Roll
from recurra.tasks.evaluation import lengths, pad

__all__ = ["Continuation", "RollCodec", "named"]


@dataclass(frozen=True)
class RollCodec:
    """Frames to inputs, and each to the one after it: the first is read, and foretold by nothing.

    Args:
        steps: of a quarter note.
        max_length: steps that are read of a piece, at most.
    """

    steps: int
    max_length: int

    def encode(self, example: Roll) -> tuple[Tensor, Tensor]:
        """Return frames, and those that follow them."""
        frames = torch.from_numpy(example.frames[: self.max_length + 1]).float()
        return frames[:-1], frames[1:]

    def collate(self, items: Sequence[tuple[Tensor, ...]]) -> Aligned:
        """Return a padded batch."""
        x, y = zip(*items, strict=True)
        return Aligned(pad(x), lengths(x), pad(y))

    def files(self) -> dict[str, str]:
        """Return the settings."""
        settings = {"steps": self.steps, "max_length": self.max_length, "keys": KEYS}
        return {"roll.json": json.dumps(settings)}

    @classmethod
    def from_files(cls, files: Mapping[str, str]) -> RollCodec:
        """Return the codec that wrote these files."""
        stored = json.loads(files["roll.json"])
        return cls(stored["steps"], stored["max_length"])
