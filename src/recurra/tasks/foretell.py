"""What a trained forecaster says: of batches of windows, and of files that go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from recurra.codecs.forecast import LEVELS, Ahead, Forecast, written
from recurra.data.batch import Foretold
from recurra.data.readers.series import Series, read_file
from recurra.data.readers.text import Rows
from recurra.decoding import paths
from recurra.errors import DataError, RecurraError
from recurra.tasks.codecs.series import SeriesCodec
from recurra.topologies import Forecaster
from recurra.training.batches import placed
from recurra.training.options import Layers, SeriesTable
from recurra.training.values import NAME, SIZE, SPLIT, option

ROWS = 4096  # of paths that are drawn at once


@dataclass(frozen=True, kw_only=True)
class ForecastingRecipe(SeriesTable, Layers):
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
    samples: int = option(
        "decoding", 100, "paths that a recursive forecast draws for its quantiles", SIZE
    )


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
        if isinstance(path, Series):
            found, path = [path], path.where
        elif isinstance(path, str | Path) and str(path).strip("\0 "):
            found = read_file(path, Rows.of(recipe), recipe, codec.known_names, codec.form)
        else:
            kind = "empty" if isinstance(path, str) else f"a {type(path).__name__}"
            raise RecurraError(f"input {number} is {kind}; give the path of a file")
        channels = [
            ahead
            for one in found
            for ahead in _continued(network, codec, codec.arranged(one), recipe, draws)
        ]
        answers.append(Forecast(str(path), tuple(channels)))
    return answers


def _continued(
    network: Forecaster,
    codec: SeriesCodec,
    one: Series,
    recipe: ForecastingRecipe,
    draws: torch.Generator,
) -> list[Ahead]:
    """Return the forecast of each channel of a series."""
    count = len(one.values)
    ahead = len(one.known) - count
    if codec.known_names and ahead < codec.horizon:
        raise DataError(
            one.where,
            f"gives {', '.join(codec.known_names)} for {ahead} steps after the last value; the "
            f"horizon has {codec.horizon}: add rows with these and empty values",
        )
    whole = codec.tensor(one, count + codec.horizon)
    pad = max(0, codec.lookback - count)
    whole = torch.cat([torch.full((pad, whole.shape[1]), torch.nan), whole])
    middle = pad + count
    batch = codec.collate([(whole[middle - codec.lookback : middle], whole[middle:])])
    found, quantiles = foretold(network, codec, batch, recipe, draws)
    median = codec.scale.undo(found[0].numpy())
    levels = None
    if quantiles is not None:
        by_level = quantiles[0].movedim(-1, 0).numpy()
        levels = np.stack([codec.scale.undo(level) for level in by_level], -1)
    shown = max(0, count - max(codec.lookback, 2 * codec.horizon))
    times = written(one.timeline, range(shown, count + codec.horizon))
    before, times = times[: count - shown], times[count - shown :]
    return [
        Ahead(
            one.id,
            name,
            times,
            median[:, c],
            None if levels is None else levels[:, c],
            one.values[shown:, c],
            before,
        )
        for c, name in enumerate(codec.names)
    ]
