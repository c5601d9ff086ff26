"""Mean and deviation as they are so far, which forget: a memory of fixed size."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recurra.errors import InputError

Numbers = NDArray[np.float64]


class RunningStatistics:
    """Mean and deviation of each channel, older steps counting less.

        b_n = max(1 − 2^(−1/h), 1/n)        d = x_n − m_{n−1}
        m_n = m_{n−1} + b_n d               v_n = (1 − b_n) (v_{n−1} + b_n d²)

    Up to about 1.4 h steps these are the plain mean and variance; from then on a step counts half
    after h more. Finch 2009, "Incremental calculation of weighted mean and variance", equations 124
    and 143; the beginning by West 1979, https://doi.org/10.1145/359146.359153. A number that is
    missing (NaN) changes nothing.

    Args:
        channels: of a step.
        half_life: h, in steps; channels count those steps alone in which they have a number.
    Raises:
        ValueError: a number is out of its range.
    """

    def __init__(self, channels: int, half_life: float) -> None:
        if channels < 1 or not half_life > 0:
            raise InputError(
                f"channels is {channels}, half_life {half_life}; RunningStatistics takes 1 or "
                "more, and a number above 0"
            )
        self.least = 1 - 0.5 ** (1 / half_life)
        self.mean: Numbers = np.zeros(channels)
        self.variance: Numbers = np.zeros(channels)
        self.count: Numbers = np.zeros(channels)

    @property
    def deviation(self) -> Numbers:
        """Return √v of each channel."""
        found: Numbers = np.sqrt(self.variance)
        return found

    def take(self, x: NDArray[Any]) -> None:
        """Take one step [channels]."""
        live = ~np.isnan(x)
        self.count = self.count + live
        share = np.maximum(self.least, 1 / np.maximum(self.count, 1))
        apart = np.where(live, np.where(live, x, 0.0) - self.mean, 0.0)
        self.mean = self.mean + share * apart
        kept = (1 - share) * (self.variance + share * apart**2)
        self.variance = np.where(live, kept, self.variance)
