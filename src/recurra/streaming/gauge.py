"""Each step of a series measured against those before it, whatever its level and units."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recurra.streaming.statistics import RunningStatistics

Numbers = NDArray[np.float64]

FAR = 8.0  # deviations; what lies further off is as far
LEAST = 1e-6  # of a deviation beside the level: what varies less is taken as constant


class Measured(NamedTuple):
    """What a step is beside those before it.

    Args:
        features: [3 · channels]: where it lies, how far it moved, both in deviations; whether it is
            known.
        moved: [channels]: how far it moved, in the deviations of before: what the step before
            could have foretold. NaN where that or this is not known, or two before are not.
    """

    features: NDArray[np.float32]
    moved: Numbers


class Gauge:
    """Level and deviation of a series so far, by which its steps are measured.

        place_t = (x_t − m_t) / s_t        move_t = (x_t − x_{t−1}) / s_t
        moved_t = (x_t − x_{t−1}) / s_{t−1}

    with m and s the running mean and deviation up to the step. A series that drifts is measured by
    where it now is. x_{t−1} is the last one that is known.

    Args:
        channels: of a step.
        half_life: steps after which a step counts half.
    """

    def __init__(self, channels: int, half_life: float) -> None:
        self.running = RunningStatistics(channels, half_life)
        self.last: Numbers = np.full(channels, np.nan)

    def read(self, x: NDArray[Any]) -> Measured:
        """Take the next step [channels], NaN where it is not known."""
        before = np.where(self.running.count >= 2, scale(self.running), np.nan)
        apart = x - self.last
        moved = np.clip(apart / before, -FAR * FAR, FAR * FAR)
        self.running.take(x)
        now, live = scale(self.running), ~np.isnan(x)
        place = np.clip((x - self.running.mean) / now, -FAR, FAR)
        move = np.clip(apart / now, -FAR, FAR)
        self.last = np.where(live, x, self.last)
        parts = [np.nan_to_num(place), np.nan_to_num(move), live]
        return Measured(np.concatenate(parts).astype(np.float32), moved)


def scale(running: RunningStatistics) -> Numbers:
    """Return the deviation of each channel; 1 where nothing has varied yet."""
    spread = running.deviation
    constant = spread <= LEAST * np.maximum(np.abs(running.mean), LEAST)
    found: Numbers = np.where(constant, 1.0, spread)
    return found
