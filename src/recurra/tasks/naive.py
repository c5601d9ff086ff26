"""What one forecasts with before any network: the last value, the last season, a line, AutoETS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from recurra.data.readers.series import Series
from recurra.data.readers.text import say
from recurra.data.windows import Windows
from recurra.errors import DataError
from recurra.tasks.accuracy import Accuracy, naive_error
from recurra.tasks.codecs.series import SeriesCodec

TOGETHER = 256  # windows at once
RIDGE = 1e-4  # of the mean diagonal
MOST_SERIES, MOST_STEPS = 8, 2000  # that AutoETS is fitted on

Forecast = Callable[[Tensor, Sequence[int]], Tensor]


def judge(
    codec: SeriesCodec, examples: Sequence[Series], every: int, forecast: Callable[..., Any]
) -> dict[str, float]:
    """Return the accuracy of forecasts over all windows of a part.

    Args:
        codec: of the series.
        examples: the part.
        every: steps from one window to the next.
        forecast: batch, numbers of its windows → middle, and quantiles or None.
    Raises:
        DataError: the part has no window.
    """
    windows = codec.windows(examples, codec.horizon, every)
    if not len(windows):
        longest = max(examples, key=lambda one: len(one.values) - one.begin)
        raise DataError(longest.where, codec.too_short(longest))
    accuracy = Accuracy(codec.scale.mean, codec.scale.deviation)
    errors = naive_errors(codec, windows)
    for begin in range(0, len(windows), TOGETHER):
        numbers = range(begin, min(begin + TOGETHER, len(windows)))
        batch = codec.collate(windows[begin : begin + TOGETHER])
        middle, quantiles = forecast(batch, numbers)
        of = np.stack([errors[windows.locate(i)[0]] for i in numbers])
        told = None if quantiles is None else quantiles.numpy()
        accuracy.add(batch.future.numpy(), middle.numpy(), told, of)
    return accuracy.result()


def naive_errors(codec: SeriesCodec, windows: Windows) -> list[Any]:
    """Return of each series the naive forecast's error before its first window, for MASE."""
    count = len(codec.names)
    ends = [first + windows.past for first in windows.first]
    return [
        naive_error(one[:end, :count].numpy(), codec.season)
        for one, end in zip(windows.series, ends, strict=True)
    ]


def repeated(past: Tensor, lag: int, horizon: int) -> Tensor:
    """Return the last `lag` steps again and again: [batch, horizon, channels].

    A missing number is that of the step before; 0, the mean, where there is none.
    """
    steps = torch.arange(past.shape[1])[:, None]
    last = torch.where(past.isnan(), 0, steps).cummax(1).values
    filled = past.take_along_dim(last, 1).nan_to_num()
    lag = min(lag, past.shape[1])
    return filled[:, past.shape[1] - lag + torch.arange(horizon) % lag]


def line(codec: SeriesCodec, train: Sequence[Series], *, normalised: bool = True) -> Forecast:
    """Return the best linear map of look-back to horizon, the same for every channel.

        ŷ − m = W (x − m) + b        m: the last value (NLinear), or 0 (the class of DLinear)

    By least squares instead of gradient steps: the minimum that these would reach. Zeng et al.
    2023, https://arxiv.org/abs/2205.13504; that both are linear regressions, and better off in
    closed form: Toner and Darlow 2024, https://arxiv.org/abs/2403.14587.
    """
    windows = codec.windows(train, codec.horizon)
    size, count = codec.lookback + 1, len(codec.names)
    gram = torch.zeros(size, size, dtype=torch.float64)
    cross = torch.zeros(size, codec.horizon, dtype=torch.float64)
    for begin in range(0, len(windows), TOGETHER):
        batch = codec.collate(windows[begin : begin + TOGETHER])
        x, middle = _rows(batch.past, normalised)
        y = (batch.future - middle).transpose(1, 2).reshape(-1, codec.horizon)
        whole = ~y.isnan().any(1)
        x, y = x[whole].double(), y[whole].double()
        gram += x.T @ x
        cross += x.T @ y
    gram += torch.eye(size, dtype=torch.float64) * RIDGE * gram.diagonal().mean().clamp(min=1e-9)
    weight = torch.linalg.solve(gram, cross).float()

    def forecast(past: Tensor, _: Sequence[int]) -> Tensor:
        x, middle = _rows(past, normalised)
        foretold: Tensor = (x @ weight).view(-1, count, codec.horizon).transpose(1, 2) + middle
        return foretold

    return forecast


def _rows(past: Tensor, normalised: bool) -> tuple[Tensor, Tensor]:
    """Return a row for each window and channel, 1 behind it, and what was taken off."""
    middle = repeated(past, 1, 1) if normalised else torch.zeros_like(past[:, :1])
    x = (past - middle).nan_to_num().transpose(1, 2).flatten(0, 1)
    return nn.functional.pad(x, (0, 1), value=1.0), middle


def auto_ets(codec: SeriesCodec, train: Sequence[Series], test: Sequence[Series]) -> Any:
    """Return AutoETS's forecast: batch, window numbers → middle, quantiles; None: left out, said.

    Fitted on each channel's training part; at every window its states go on to the window's
    beginning, its parameters stay. Hyndman et al. 2002,
    https://doi.org/10.1016/S0169-2070(01)00110-8, by statsforecast.
    """
    several = len(test) * len(codec.names)
    longest = max(len(one.values) for one in test)
    if several > MOST_SERIES or longest > MOST_STEPS:
        say(f"AutoETS left out: {several} series of {longest:,} steps; it is for few short ones")
        return None
    try:
        from statsforecast.models import AutoETS
    except ImportError:
        say("AutoETS left out: it needs statsforecast: pip install 'recurra[bench]'")
        return None
    known = {one.id: codec.arranged(one) for one in train}
    if any(one.id not in known or not one.begin for one in test):
        say("AutoETS left out: the test part does not go on where the training part ends")
        return None
    windows = codec.windows(test, codec.horizon)
    count = len(codec.names)
    models = [
        [
            AutoETS(season_length=codec.season).fit(_filled(codec.tensor(known[one.id])[:, c]))
            for c in range(count)
        ]
        for one in test
    ]

    def forecast(_: Any, numbers: Sequence[int]) -> tuple[Tensor, None]:
        found = torch.empty(len(numbers), codec.horizon, count)
        for i, number in enumerate(numbers):
            which, start = windows.place(number)
            before = windows.series[which][: start + windows.past, :count]
            begin = int((~before.isnan()).any(1).nonzero()[0])  # not what fills it up in front
            for c in range(count):
                told = models[which][c].forward(_filled(before[begin:, c]), h=codec.horizon)
                found[i, :, c] = torch.from_numpy(told["mean"])
        return found, None

    return forecast


def _filled(x: Tensor) -> Any:
    """Return a channel without gaps, by the values before them."""
    column = x[None, :, None]
    steps = torch.arange(len(x))[None, :, None]
    last = torch.where(column.isnan(), 0, steps).cummax(1).values
    return column.take_along_dim(last, 1)[0, :, 0].nan_to_num().double().numpy()
