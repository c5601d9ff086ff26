"""How a piece goes on, key by key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from recurra.codecs.tunes import MidiFile
from recurra.data.music import KEYS as NAMES
from recurra.data.rolls import LOWEST


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
