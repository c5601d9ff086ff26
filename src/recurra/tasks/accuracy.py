"""How good forecasts are: errors, errors beside a naive forecast's, and intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recurra.codecs.forecast import LEVELS

Numbers = NDArray[np.float64]

INTERVALS = {"coverage_80": (0.1, 0.9), "coverage_90": (0.05, 0.95)}


class Accuracy:
    """Sums of errors over windows; numbers that did not come (NaN) count nowhere.

        mse, mae      (y − ŷ)² and |y − ŷ| on the training part's scale, as papers have them
        mae_units     |y − ŷ| in the data's own units
        mase          |y − ŷ| / mean |y_t − y_{t−s}| over the steps before the first window
        smape         200 |y − ŷ| / (|y| + |ŷ|), in percent
        crps          ∫ 2 max(q (y − ŷ_q), (q − 1)(y − ŷ_q)) dq, on the scale of mae
        coverage      the share of numbers within the interval between two quantiles

    Means are over all windows, steps and channels. The integral is taken by the trapezoid rule
    between `LEVELS`, and with the outermost quantiles beyond them: of one number without a
    distribution crps is mae, of a normal one it is 3 % too low. MASE: Hyndman and Koehler 2006,
    https://doi.org/10.1016/j.ijforecast.2006.03.001; sMAPE as in M4: Makridakis et al. 2020,
    https://doi.org/10.1016/j.ijforecast.2019.04.014; CRPS: Gneiting and Raftery 2007,
    https://doi.org/10.1198/016214506000001437.

    Args:
        mean: of each channel, of the training part.
        deviation: likewise.
    """

    def __init__(self, mean: Sequence[float], deviation: Sequence[float]) -> None:
        self.mean, self.deviation = np.array(mean), np.array(deviation)
        self.sums: dict[str, float] = {}
        self.counts: dict[str, float] = {}

    def add(
        self,
        y: NDArray[Any],
        middle: NDArray[Any],
        quantiles: NDArray[Any] | None = None,
        naive: NDArray[Any] | None = None,
    ) -> None:
        """Take some windows into account, all numbers on the training part's scale.

        Args:
            y: what came [windows, steps, channels].
            middle: what was foretold.
            quantiles: at `LEVELS` [windows, steps, channels, levels]; None: none were told.
            naive: the naive forecast's mean error of each window's series [windows, channels];
                NaN or 0: unknown, and mase leaves the series out.
        """
        y, middle = y.astype(np.float64), middle.astype(np.float64)
        live = ~np.isnan(y)
        y = np.where(live, y, middle)
        error = np.abs(y - middle)
        self._sum("mse", error**2, live)
        self._sum("mae", error, live)
        self._sum("mae_units", error * self.deviation, live)
        if naive is not None:
            beside = np.broadcast_to(naive[:, None], error.shape)
            told = live & (np.nan_to_num(beside) > 0)
            self._sum("mase", error / np.where(told, beside, 1.0), told)
        size = sum(np.abs(x * self.deviation + self.mean) for x in (y, middle))
        share = np.divide(
            200 * error * self.deviation, size, out=np.zeros_like(error), where=size > 0
        )
        self._sum("smape", share, live)
        if quantiles is None:
            self._sum("crps", error, live)
            return
        above = y[..., None] - quantiles.astype(np.float64)
        self._sum("crps", _crps(above), live)
        for name, (low, high) in INTERVALS.items():
            within = (above[..., LEVELS.index(low)] >= 0) & (above[..., LEVELS.index(high)] <= 0)
            self._sum(name, within.astype(np.float64), live)

    def _sum(self, name: str, values: Numbers, live: NDArray[np.bool_]) -> None:
        self.sums[name] = self.sums.get(name, 0.0) + float(np.where(live, values, 0.0).sum())
        self.counts[name] = self.counts.get(name, 0) + int(live.sum())

    def result(self) -> dict[str, float]:
        """Return the means; what nothing was known about is left out."""
        return {name: self.sums[name] / n for name, n in self.counts.items() if n}


def _crps(above: Numbers) -> Numbers:
    """Return the score of numbers by how far they are above each of the quantiles."""
    levels = np.array(LEVELS)
    pinball = 2 * np.maximum(levels * above, (levels - 1) * above)
    between = ((pinball[..., 1:] + pinball[..., :-1]) / 2 * np.diff(levels)).sum(-1)
    # ∫ 2q dq or ∫ 2(1 − q) dq, below the first level and above the last
    first, last, low, high = above[..., 0], above[..., -1], levels[0], levels[-1]
    below = np.where(first >= 0, first * low**2, -first * (1 - (1 - low) ** 2))
    beyond = np.where(last >= 0, last * (1 - high**2), -last * (1 - high) ** 2)
    found: Numbers = between + below + beyond
    return found


def naive_error(values: NDArray[Any], season: int) -> Numbers:
    """Return each channel's mean |y_t − y_{t−s}| over a series [time, channels]; NaN: unknown.

    A series no longer than its season is compared step by step.
    """
    lag = season if len(values) > season else 1
    apart = np.abs(values[lag:].astype(np.float64) - values[:-lag])
    count = (~np.isnan(apart)).sum(0)
    found: Numbers = np.where(count > 0, np.nansum(apart, 0) / np.maximum(count, 1), np.nan)
    return found
