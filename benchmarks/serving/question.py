"""A question about serving, and what it is answered with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from benchmarks.serving.models import Workshop


class Settings(NamedTuple):
    """What a run of questions has in common.

    Args:
        models: that are served.
        quick: little of everything: to see that all works, not to believe the figures.
        frames: of the simulated day.
        requests: that are malformed.
        seed: of all that is drawn.
    """

    models: Workshop
    quick: bool = False
    frames: int = 1_000_000
    requests: int = 100_000
    seed: int = 0


@dataclass(frozen=True)
class Found:
    """One answer.

    Args:
        part: of the question.
        figure: what was found.
        details: a table of what it is made from.
        note: what else there is to say, in one line.
        asked: whether what the question demands is demanded of this part.
    """

    part: str
    figure: float
    details: Sequence[Mapping[str, Any]] = field(default_factory=list)
    note: str = ""
    asked: bool = True


class Question(NamedTuple):
    """Something to measure.

    Args:
        name: as on the command line.
        asks: the question in a few words.
        how: it is measured, in some sentences.
        unit: of its figures.
        answer: yields them.
        must: good enough.
        aim: aimed at.
        less: whether less is better.
    """

    name: str
    asks: str
    how: str
    unit: str
    answer: Callable[[Settings], Iterator[Found]]
    must: float | None = None
    aim: float | None = None
    less: bool = False
