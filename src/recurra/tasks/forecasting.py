"""How series go on: many-to-many unequal, look-back → horizon."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from recurra.codecs.standard import Standard, tell_flat
from recurra.data import calendar
from recurra.data.batch import Foretold
from recurra.data.readers import series_parts
from recurra.data.readers.series import Series
from recurra.data.samples import series as sample
from recurra.data.splits import Splits
from recurra.errors import DataError, RecurraError
from recurra.reports import Part
from recurra.tasks import naive
from recurra.tasks.body import body
from recurra.tasks.codecs.series import SeriesCodec
from recurra.tasks.foretell import ForecastingRecipe, foretold, predict
from recurra.tasks.review import of_forecasts
from recurra.tasks.task import Items, Task
from recurra.topologies import (
    Distribution,
    Forecaster,
    Gaussian,
    Point,
    Quantiles,
    StudentT,
)
from recurra.training.batches import placed


def read(recipe: ForecastingRecipe) -> Splits[Series]:
    """Return the user's series, or carbon dioxide on Mauna Loa."""
    if recipe.data is None:
        return sample.load(recipe.split)
    return series_parts.read(recipe, recipe.split, _known(recipe))


def _known(recipe: ForecastingRecipe) -> list[str]:
    return [name.strip() for name in (recipe.known_columns or "").split(",") if name.strip()]


def fit(train: Sequence[Series], recipe: ForecastingRecipe) -> SeriesCodec:
    """Return scales and sizes, told by the training part alone.

    Raises:
        DataError: a channel has no number there, or no window fits in.
    """
    first = max(train, key=lambda one: len(one.values))
    steps = len(first.values)
    season = recipe.season or calendar.season(first.timeline)
    horizon = recipe.horizon or max(1, min(season if season > 1 else 8, steps // 7))
    lookback = recipe.lookback or max(1, min(4 * max(season, horizon), (steps - horizon) // 2))
    if recipe.strategy == "recursive":
        segment = recipe.segment or 1
    else:
        segment = min(recipe.segment or (season if season > 1 else -(-horizon // 2)), horizon)
    codec = SeriesCodec(
        names=first.names,
        known_names=first.known_names,
        scale=Standard.fit((one.values for one in train), first.names),
        known_scale=Standard.fit(
            (one.known[: len(one.values)] for one in train), first.known_names
        ),
        step="" if first.timeline is None else str(first.timeline),
        calendar=calendar.fields(first.timeline) if recipe.calendar else (),
        season=season,
        lookback=lookback,
        horizon=horizon,
        segment=segment,
        stride=segment if recipe.strategy == "recursive" else horizon,
        missing=any(bool(np.isnan(one.values).any()) for one in train),
        form=first.form,
    )
    if not len(codec.windows(train, codec.horizon)):
        raise DataError(first.where, codec.too_short(first))
    tell_flat(train, "there is nothing in it to foretell")
    return codec


def items(codec: SeriesCodec, train: Sequence[Series], recipe: ForecastingRecipe) -> Items:
    """Return all windows of the training part."""
    return codec.windows(train, codec.stride)


def build(codec: SeriesCodec, recipe: ForecastingRecipe) -> nn.Module:
    """Return a body that reads segments and writes the horizon's.

    Raises:
        RecurraError: the output has nothing to draw from, which a recursive forecast needs.
    """
    if recipe.strategy == "recursive" and recipe.output == "quantiles":
        raise RecurraError(
            "strategy=recursive draws its next steps, and quantiles have nothing to draw from; "
            "take output gaussian or student_t, or strategy direct"
        )
    return Forecaster(
        body(recipe, recipe.embedding),
        output(recipe),
        len(codec.names),
        segment=codec.segment,
        horizon=codec.stride,
        covariates=codec.covariates,
        norm=recipe.norm,
        independent=recipe.channels == "independent",
        marks=codec.missing,
        dropout=recipe.dropout,
    )


def output(recipe: ForecastingRecipe) -> Distribution:
    """Return what the recipe's network foretells."""
    if recipe.output == "squared" or recipe.output == "absolute":
        return Point(recipe.output)
    kinds = {"gaussian": Gaussian, "student_t": StudentT, "quantiles": Quantiles}
    return kinds[recipe.output]()


@torch.inference_mode()
def validate(
    network: Forecaster, codec: SeriesCodec, rows: Sequence[Series], recipe: ForecastingRecipe
) -> dict[str, float]:
    """Return the training's loss over all windows."""
    windows = codec.windows(rows, codec.stride, recipe.every)
    if not len(windows):
        longest = max(rows, key=lambda one: len(one.values) - one.begin)
        raise DataError(longest.where, codec.too_short(longest))
    total, count = 0.0, 0.0
    for begin in range(0, len(windows), naive.TOGETHER):
        batch = codec.collate(windows[begin : begin + naive.TOGETHER])
        loss = network.loss(placed(batch, network))
        total, count = total + float(loss.total), count + float(loss.count)
    return {"loss": total / max(count, 1.0)}


@torch.inference_mode()
def evaluate(
    network: Forecaster, codec: SeriesCodec, rows: Sequence[Series], recipe: ForecastingRecipe
) -> dict[str, float]:
    """Return the accuracy over windows that step through the part (rolling origins)."""
    training = network.training
    network.eval()
    draws = torch.Generator().manual_seed(recipe.seed)
    found = naive.judge(
        codec,
        rows,
        recipe.every,
        lambda batch, _: foretold(network, codec, batch, recipe, draws),
    )
    network.train(training)
    return found


def baseline(
    codec: SeriesCodec, train: Sequence[Series], test: Sequence[Series], recipe: ForecastingRecipe
) -> dict[str, float]:
    """Return what the last season, again and again, reaches."""

    def seasonal(batch: Foretold, _: Sequence[int]) -> tuple[Tensor, None]:
        return naive.repeated(batch.past, codec.season, codec.horizon), None

    return naive.judge(codec, test, recipe.every, seasonal)


def peers(
    codec: SeriesCodec, train: Sequence[Series], test: Sequence[Series], recipe: ForecastingRecipe
) -> dict[str, dict[str, float]]:
    """Return what the last value, two linear maps, and AutoETS reach."""
    nlinear, dlinear = (naive.line(codec, train, normalised=way) for way in (True, False))
    found: dict[str, Any] = {
        "naive": lambda batch, _: (naive.repeated(batch.past, 1, codec.horizon), None),
        "NLinear": lambda batch, numbers: (nlinear(batch.past, numbers), None),
        "DLinear": lambda batch, numbers: (dlinear(batch.past, numbers), None),
    }
    if recipe.every == 1 and (ets := naive.auto_ets(codec, train, test)):
        found["AutoETS"] = ets
    return {name: naive.judge(codec, test, recipe.every, how) for name, how in found.items()}


@torch.inference_mode()
def review(
    network: Forecaster, codec: SeriesCodec, rows: Sequence[Series], recipe: ForecastingRecipe
) -> list[Part]:
    """Return how wrong the steps ahead and the channels are, and the worst forecasts."""
    draws = torch.Generator().manual_seed(recipe.seed)
    return of_forecasts(
        codec, rows, recipe.every, lambda batch: foretold(network, codec, batch, recipe, draws)[0]
    )


FORECASTING = Task(
    name="forecasting",
    type="many-to-many unequal",
    summary="How time series go on: median and intervals of the next steps.",
    reads="CSV, TSV, JSON or Parquet: a time column and one or many of numbers; long format too",
    example="history.csv",
    recipe=ForecastingRecipe,
    read=read,
    codec=SeriesCodec.from_files,
    fit=fit,
    build=build,
    validate=validate,
    criterion="loss",
    evaluate=evaluate,
    metric="mae",
    sample_metric="mae",
    baseline=baseline,
    parse=str,
    predict=predict,
    review=review,
    items=items,
    peers=peers,
    defaults={
        "batch_size": 32,
        "dropout": 0.1,
        "epochs": 40,
        "learning_rate": 2e-3,
        "patience": 8,
        "weight_decay": 0.0,
    },
    sample_defaults={"horizon": 12, "lookback": 48, "batch_size": 16, "epochs": 30},
)
