"""How a piece goes on, key by key."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recurra.codecs.tunes import MidiFile
from recurra.data.music import KEYS as NAMES
from recurra.data.readers import rolls
from recurra.data.rolls import LOWEST, Roll, to_midi
from recurra.errors import DataError, RecurraError
from recurra.training.options import Body


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

    @classmethod
    def of(
        cls, where: str, frames: NDArray[Any], nll: float, follows: NDArray[Any], steps: int
    ) -> Continuation:
        """Return how a piece goes on.

        Args:
            where: it comes from.
            frames: which keys were given [time keys].
            nll: of them.
            follows: which keys follow, likewise.
            steps: of a quarter note.
        """
        notes = [[named(int(key)) for key in np.flatnonzero(step)] for step in follows]
        whole = np.concatenate([frames, follows.astype(np.uint8)])
        return cls(where, len(frames), nll, notes, to_midi(whole, steps))

    def asdict(self) -> dict[str, Any]:
        """Return plain values (the file itself is left out)."""
        return {"piece": self.piece, "steps": self.steps, "nll": self.nll, "notes": self.notes}

    def __str__(self) -> str:
        """Show what follows, step by step."""
        follows = " | ".join(" ".join(step) or "-" for step in self.notes)
        return f"{self.piece}: {self.nll:.2f} nats a step; then {follows}"


def opened(given: Any, position: int, recipe: Body, steps: int) -> Roll:
    """Return the first piece of a file, MIDI, MATLAB or JSON.

    Raises:
        RecurraError: it cannot be used.
    """
    if not isinstance(given, str | Path):
        kind = type(given).__name__
        raise RecurraError(f"input {position} is a {kind}; give the path of a piece")
    roll = rolls.first(Path(given), recipe, steps)
    if not len(roll.frames):
        raise DataError(str(given), "has no step to go on from")
    return roll
