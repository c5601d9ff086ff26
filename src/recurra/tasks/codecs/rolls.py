"""A piano-roll as tensors; how it goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from recurra.data.batch import Aligned
from recurra.data.music import KEYS as NAMES
from recurra.data.rolls import KEYS, LOWEST, Roll
from recurra.tasks.codecs.tunes import MidiFile
from recurra.tasks.evaluation import lengths, pad


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


def named(key: int) -> str:
    """Return a key's name: C4 is the middle one."""
    pitch = key + LOWEST
    return f"{NAMES[pitch % 12]}{pitch // 12 - 1}"


@dataclass(frozen=True)
class Continuation(MidiFile):
    """How a piece goes on.

    Args:
        piece: where it comes from.
        steps: how many were given.
        nll: −log p of a given step after those before it, in nats, on average.
        notes: those of each step that follows.
        midi: the piece and what follows, as a standard MIDI file.
    """

    piece: str
    steps: int
    nll: float
    notes: list[list[str]]
    midi: bytes

    def asdict(self) -> dict[str, Any]:
        """Return plain values (the file itself is left out)."""
        return {"piece": self.piece, "steps": self.steps, "nll": self.nll, "notes": self.notes}

    def __str__(self) -> str:
        """Show what follows, step by step."""
        follows = " | ".join(" ".join(step) or "-" for step in self.notes)
        return f"{self.piece}: {self.nll:.2f} nats a step; then {follows}"
