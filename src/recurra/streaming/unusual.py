"""How far numbers lie above what is usual for them, as it was so far."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recurra.streaming.gauge import scale
from recurra.streaming.statistics import RunningStatistics

Numbers = NDArray[np.float64]

WARM = 20  # steps with a number before which nothing is unusual
LEAST = 1e-6  # of a deviation of what is compared
QUICK = 3.0  # half-life of the latest distances from the level


class Unusual:
    """The latest of each channel beside a while before, in deviations.

        z = (short mean of e − long mean of e) / (long deviation of e · √(b / (2 − b)))

    up to the step; the long ones up to the step before. b is the share of a step in the short mean,
    so that z counts deviations of it, were the e independent. After Ahmad et al. 2017,
    https://doi.org/10.1016/j.neucom.2017.04.070, section 3.2, with means that forget in place of
    windows. Of fewer than 20 numbers, none is unusual.

    Args:
        channels: of a step.
        latest: half-life of the short mean, in steps.
        usual: half-life of the long one.
    Raises:
        ValueError: a number is out of its range.
    """

    def __init__(self, channels: int, latest: float, usual: float) -> None:
        self.usual, self.latest = (
            RunningStatistics(channels, half_life) for half_life in (usual, latest)
        )
        share = self.latest.least
        self.narrow = float(np.sqrt(share / (2 - share)))

    def take(self, e: NDArray[Any]) -> Numbers:
        """Take the next step [channels], NaN where there is none; return z."""
        self.latest.take(e)
        spread = self.narrow * np.maximum(self.usual.deviation, LEAST)
        z = np.where(self.warm, (self.latest.mean - self.usual.mean) / spread, 0.0)
        self.usual.take(e)
        return z

    @property
    def warm(self) -> NDArray[np.bool_]:
        """Return of which channels enough was seen."""
        found: NDArray[np.bool_] = self.usual.count >= WARM
        return found


class Afar:
    """How unusually far each channel lies from its level: a jump, a number never seen.

        d_t = |x_t − m_{t−1}| / s_{t−1}        z: that of d, with half-lives 3 and h

    m and s are the running mean and deviation, of half-life h.

    Args:
        channels: of a step.
        half_life: h, in steps.
    Raises:
        ValueError: a number is out of its range.
    """

    def __init__(self, channels: int, half_life: float) -> None:
        self.level = RunningStatistics(channels, half_life)
        self.unusual = Unusual(channels, QUICK, half_life)

    def take(self, x: NDArray[Any]) -> Numbers:
        """Take the next step [channels], NaN where it is not known; return z."""
        apart = np.abs(x - self.level.mean) / scale(self.level)
        known = np.where(self.level.count >= WARM, apart, np.nan)
        self.level.take(x)
        return self.unusual.take(known)
