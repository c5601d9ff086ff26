"""What a trained forecaster says: of batches of windows, and of files that go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from recurra.codecs.forecast import LEVELS, Ahead, Forecast
from recurra.data.batch import Foretold
from recurra.data.readers.series import Series
from recurra.decoding import paths
from recurra.tasks.codecs.series import SeriesCodec
from recurra.topologies import Forecaster
from recurra.training.batches import placed
from recurra.training.options import Drawn, Layers, SeriesTable
from recurra.training.values import NAME, SIZE, SPLIT, option

ROWS = 4096  # of paths that are drawn at once


@dataclass(frozen=True, kw_only=True)
class ForecastingRecipe(SeriesTable, Layers, Drawn):
    """Options of foretelling series."""

    known_columns: str | None = option(
        "data", None, "columns that are known ahead, such as holidays: a,b", NAME
    )
    split: str = option(
        "data", "0.7,0.1,0.2", "training, validation and test part in time: shares, or steps", SPLIT
    )
    horizon: int | None = option(
        "model", None, "steps to foretell; none: a season, as far as the data go", SIZE
    )
    lookback: int | None = option(
        "model", None, "steps to read; none: four horizons or seasons, as far as the data go", SIZE
    )
    segment: int | None = option(
        "model", None, "steps read and written at once; none: told by horizon and strategy", SIZE
    )
    season: int | None = option(
        "model",
        None,
        "steps after which series repeat themselves; none: told by the timeline",
        SIZE,
    )
    calendar: bool = option("model", False, "tell the hour, weekday, month … of each step")
    channels: Literal["independent", "together"] = option(
        "model", "independent", "each channel alone by the same weights, or all of them at once"
    )
    norm: Literal["last", "mean", "none"] = option(
        "model", "last", "each window less its last value, on its mean and deviation, or as it is"
    )
    output: Literal["squared", "absolute", "gaussian", "student_t", "quantiles"] = option(
        "model", "quantiles", "one number by its error, a distribution, or quantiles"
    )
    strategy: Literal["direct", "recursive"] = option(
        "model", "direct", "the whole horizon at once, or segment by segment from drawn ones"
    )
    every: int = option("data", 1, "steps from one window of the evaluation to the next", SIZE)


def foretold(
    network: Forecaster,
    codec: SeriesCodec,
    batch: Foretold,
    recipe: ForecastingRecipe,
    draws: torch.Generator,
) -> tuple[Tensor, Tensor | None]:
    """Return middle [batch, horizon, channels], and quantiles at `LEVELS` where there are any."""
    batch = placed(batch, network)
    told = recipe.output not in ("squared", "absolute")
    past, known = batch.past, batch.known
    if recipe.strategy == "direct":
        if not told:
            return network.middle(past, known).float().cpu(), None
        quantiles = network.quantile(past, known, LEVELS).float().cpu()
        return quantiles[..., LEVELS.index(0.5)], quantiles
    some = max(1, ROWS // recipe.samples)
    levels = torch.tensor(LEVELS, dtype=past.dtype, device=past.device)
    found = []
    for begin in range(0, len(past), some):
        rows = slice(begin, begin + some)
        drawn = paths(network, past[rows], known[rows], codec.horizon, recipe.samples, draws)
        found.append(drawn.quantile(levels, 0).movedim(0, -1))
    quantiles = torch.cat(found).float().cpu()
    return quantiles[..., LEVELS.index(0.5)], quantiles if told else None


@torch.inference_mode()
def predict(
    network: Forecaster,
    codec: SeriesCodec,
    inputs: Sequence[str | Path | Series],
    recipe: ForecastingRecipe,
) -> list[Forecast]:
    """Return how each file goes on, or a series that was read already.

    Raises:
        RecurraError: a file cannot be read, has other columns or another frequency, or does not
            say what is known ahead.
    """
    draws = torch.Generator().manual_seed(recipe.seed)
    answers = []
    for number, path in enumerate(inputs, start=1):
        name, found = codec.opened(path, number, recipe)
        channels = [
            ahead for one in found for ahead in _continued(network, codec, one, recipe, draws)
        ]
        answers.append(Forecast(name, tuple(channels)))
    return answers


def _continued(
    network: Forecaster,
    codec: SeriesCodec,
    one: Series,
    recipe: ForecastingRecipe,
    draws: torch.Generator,
) -> list[Ahead]:
    """Return the forecast of each channel of a series."""
    whole = torch.from_numpy(codec.window(one))
    batch = codec.collate([(whole[: codec.lookback], whole[codec.lookback :])])
    found, quantiles = foretold(network, codec, batch, recipe, draws)
    return codec.told(one, found[0].numpy(), None if quantiles is None else quantiles[0].numpy())
