"""Forecasts against what came: how wrong at each step ahead and in each channel, and the worst."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from recurra.data.batch import Foretold
from recurra.data.readers.series import Series
from recurra.reports import Case, Cases, Lines, Part, Table
from recurra.tasks.codecs.series import SeriesCodec

MOST, TOGETHER, WORST = 1000, 256, 10  # windows in all, at once, and shown
LINES = "blue: what came; red: what was foretold"


def of_forecasts(
    codec: SeriesCodec,
    rows: Sequence[Series],
    every: int,
    foretell: Callable[[Foretold], Tensor],
) -> list[Part]:
    """Return the error of each step ahead and of each channel, and the worst forecasts.

    Args:
        codec: of the series.
        rows: a part.
        every: steps from one window to the next.
        foretell: windows → the middle of what is foretold: [batch horizon channels].
    """
    windows = codec.windows(rows, codec.horizon, every)
    count = min(len(windows), MOST)
    if not count:
        return []
    batches = [
        codec.collate(windows[begin : min(begin + TOGETHER, count)])
        for begin in range(0, count, TOGETHER)
    ]
    came = np.concatenate([batch.future.numpy() for batch in batches])
    told = np.concatenate([foretell(batch).numpy() for batch in batches])
    errors = np.abs(told - came)  # NaN where nothing came
    each = _mean(errors, (1, 2))
    worst = sorted(np.flatnonzero(~np.isnan(each)).tolist(), key=lambda i: -each[i])[:WORST]
    note = f"Mean absolute error in deviations of the training part, over {count:,} windows."

    def case(i: int) -> Case:
        channel = int(np.nanargmax(_mean(errors[i], 0)))
        lines = Lines(np.stack([came[i, :, channel], told[i, :, channel]], 1))
        return Case(
            [(codec.names[channel], lines), ("error", f"{each[i]:.3f}")],
            f"{rows[windows.locate(i)[0]].where}, window {i + 1:,}",
        )

    steps = [[step + 1, float(mean)] for step, mean in enumerate(_mean(errors, (0, 2)))]
    channels = sorted(zip(_mean(errors, (0, 1)).tolist(), codec.names, strict=True), reverse=True)
    return [
        Table("By step ahead", ["step", "error"], steps, note),
        Table("By channel", ["channel", "error"], [[name, mean] for mean, name in channels], note),
        Cases("Worst forecasts", [case(i) for i in worst], f"The worst channel of each; {LINES}."),
    ]


def _mean(errors: NDArray[np.floating], axis: int | tuple[int, ...]) -> NDArray[np.floating]:
    """Return the mean of what is there; NaN of nothing."""
    there = ~np.isnan(errors)
    total = np.where(there, errors, 0.0).sum(axis)
    count = there.sum(axis)
    mean: NDArray[np.floating] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return mean
