"""A question, its parts, and what is set for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from recurra.benchmarks.results import Row
from recurra.benchmarks.timing import Pace


class Settings(NamedTuple):
    """What a run of questions has in common.

    Args:
        threads: of every contender.
        quick: few shapes and rounds: to see that all works, not to believe the numbers.
        data: folder of real data sets, for the questions that need one.
    """

    threads: int
    quick: bool = False
    data: Path | None = None

    def pace(self, seconds: float = 2.0) -> Pace:
        """Return how much to measure: that many seconds, or hardly any."""
        return Pace(least=2, most=2, budget=0.0) if self.quick else Pace(budget=seconds)


class Question(NamedTuple):
    """Something to measure.

    Args:
        name: as on the command line.
        asks: the question in one sentence.
        parts: each runs in a process of its own, so that no library's threads meet another's.
        answer: part, settings → rows, one by one.
        minutes: how long it takes, about.
    """

    name: str
    asks: str
    parts: tuple[str, ...]
    answer: Callable[[str, Settings], Iterator[Row]]
    minutes: float


class Skipped(Exception):  # noqa: N818, it is what happened
    """A part cannot be answered here; the text says why."""
