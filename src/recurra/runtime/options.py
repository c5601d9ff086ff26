"""Which options decide an answer, by kind of task: those of training that are read again."""

from __future__ import annotations

from dataclasses import dataclass

from recurra.training.options import Body, Sampled, Searched, SignalTable


@dataclass(frozen=True, kw_only=True)
class Searching(Searched, Body):
    """Outputs are searched for, up to a length."""


@dataclass(frozen=True, kw_only=True)
class Sampling(Sampled, Body):
    """Outputs are drawn, up to a length."""


@dataclass(frozen=True, kw_only=True)
class Signalling(SignalTable, Body):
    """Signals are read from tables."""
