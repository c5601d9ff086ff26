"""Which options decide an answer, by kind of task: those of training that are read again."""

from __future__ import annotations

from dataclasses import dataclass

from recurra.training.options import (
    Body,
    Heard,
    Listened,
    Sampled,
    Searched,
    SignalTable,
    SoundTable,
)


@dataclass(frozen=True, kw_only=True)
class Searching(Searched, Body):
    """Outputs are searched for, up to a length."""


@dataclass(frozen=True, kw_only=True)
class Sampling(Sampled, Body):
    """Outputs are drawn, up to a length."""


@dataclass(frozen=True, kw_only=True)
class Signalling(SignalTable, Body):
    """Signals are read from tables."""


@dataclass(frozen=True, kw_only=True)
class Hearing(SoundTable, Heard):
    """Sounds are read at a rate."""


@dataclass(frozen=True, kw_only=True)
class Listening(Listened, Heard):
    """Sounds are read at a rate, and written down."""
