"""What an experiment is told: how much of everything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Case:
    """The conditions of a run.

    Args:
        quick: does all of it work? Fewer lengths, seeds and steps.
        seeds: how many; 0: as many as the experiment asks for.
        threads: of recurra and of PyTorch beside it.
        progress: shows what is being done, in a few words.
    """

    quick: bool = False
    seeds: int = 0
    threads: int = 1
    progress: Callable[[str], object] = field(default=lambda text: None, repr=False)

    def choose(self, whole: T, quick: T) -> T:
        """Return the first, or the second where the run is a quick one."""
        return quick if self.quick else whole

    def runs(self, whole: int, quick: int = 1) -> tuple[int, ...]:
        """Return the seeds, from 0 on: as many as were asked for, or else these."""
        return tuple(range(self.seeds or self.choose(whole, quick)))
