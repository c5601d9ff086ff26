"""Which options decide an answer, by kind of task: those of training that are read again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from recurra.training.options import (
    Alarmed,
    Body,
    Continued,
    Drawn,
    Heard,
    Listened,
    Sampled,
    Searched,
    SeriesTable,
    SignalTable,
    SoundTable,
)
from recurra.training.values import option


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


@dataclass(frozen=True, kw_only=True)
class Watching(Alarmed, SeriesTable):
    """Series are read, and watched."""

    output: Literal["student_t", "gaussian"] = option(
        "model", "student_t", "distribution of the next step"
    )


@dataclass(frozen=True, kw_only=True)
class Foretelling(Drawn, SeriesTable):
    """Series are read, and go on."""

    output: Literal["squared", "absolute", "gaussian", "student_t", "quantiles"] = option(
        "model", "quantiles", "one number by its error, a distribution, or quantiles"
    )
    strategy: Literal["direct", "recursive"] = option(
        "model", "direct", "the whole horizon at once, or segment by segment from drawn ones"
    )


@dataclass(frozen=True, kw_only=True)
class Continuing(Continued, Body):
    """Pieces are read, and go on."""

    output: Literal["independent", "joint"] = option(
        "model", "joint", "each key on its own, or after those below it (NADE)"
    )
