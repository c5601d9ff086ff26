"""How series go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from recurra.codecs.forecast import LEVELS, Forecast
from recurra.codecs.series import Lookback
from recurra.data.readers.series import Series
from recurra.runtime.chance import Chance
from recurra.runtime.distributions import DISTRIBUTIONS
from recurra.runtime.options import Foretelling
from recurra.runtime.tasks.base import Task
from recurra.training.recipe import Recipe

if TYPE_CHECKING:
    from recurra.runtime.model import Exported

Numbers = NDArray[Any]


class Forecasting(Task):
    """Median and intervals of the next steps."""

    recipe: ClassVar[type[Recipe]] = Foretelling

    def __init__(self, graphs: Exported, files: Mapping[str, str]) -> None:
        super().__init__(graphs, files)
        self.lookback = Lookback.from_files(files)

    def predict(self, inputs: Sequence[Any], recipe: Any) -> list[Forecast]:
        """Return how each file goes on, or a series that was read already.

        Raises:
            RecurraError: a file cannot be read, has other columns or another frequency, or does
                not say what is known ahead.
        """
        chance, answers = Chance(recipe.seed), []
        for i, given in enumerate(inputs, 1):
            name, found = self.lookback.opened(given, i, recipe)
            channels = [
                ahead
                for one in found
                for ahead in self.lookback.told(one, *self._foretold(one, recipe, chance))
            ]
            answers.append(Forecast(name, tuple(channels)))
        return answers

    def _foretold(self, one: Series, recipe: Any, chance: Chance) -> tuple[Numbers, Numbers | None]:
        """Return the middle of the steps to come and, where there are any, their quantiles."""
        steps, count = self.lookback.lookback, len(self.lookback.names)
        window = self.lookback.window(one)
        past, known = window[None, :steps, :count], window[None, :, count:]
        distribution = DISTRIBUTIONS[recipe.output]
        point = recipe.output in ("squared", "absolute")  # which tell no interval
        if recipe.strategy == "recursive":
            drawn = np.quantile(self._paths(past, known, recipe, chance), LEVELS, 0)
            quantiles: Numbers = np.moveaxis(drawn, 0, -1)
        else:
            raw, size, middle = self._said(past, known)
            if point:
                return (distribution.middle(raw) * size + middle)[0], None
            quantiles = (distribution.quantiles(raw) * size[..., None] + middle[..., None])[0]
        return quantiles[..., LEVELS.index(0.5)], None if point else quantiles

    def _paths(self, past: Numbers, known: Numbers, recipe: Any, chance: Chance) -> Numbers:
        """Return drawn paths [count horizon channels], as far as the graph foretells at once."""
        steps, horizon, stride = past.shape[1], self.lookback.horizon, self.lookback.stride
        at = DISTRIBUTIONS[recipe.output].at
        rows = 1 if at is None else recipe.samples
        written = np.repeat(past, rows, 0)
        # the last stretch may reach beyond the horizon, where nothing is known
        known = np.repeat(np.pad(known, ((0, 0), (0, -horizon % stride), (0, 0))), rows, 0)
        for begin in range(0, horizon, stride):
            raw, size, middle = self._said(
                written[:, begin:], known[:, begin : begin + steps + stride]
            )
            if at is None:
                ahead = DISTRIBUTIONS[recipe.output].middle(raw)
            else:
                levels = np.clip(chance.uniform(*raw.shape[:-1]), 1e-12, 1 - 1e-12)
                ahead = at(raw, levels).astype(np.float32)
            written = np.concatenate([written, ahead * size + middle], 1)
        return written[:, steps : steps + horizon]

    def _said(self, past: Numbers, known: Numbers) -> tuple[Numbers, Numbers, Numbers]:
        """Return what the distribution reads, and the size and middle of each row's own scale."""
        given = {}
        if known.shape[2]:
            steps = past.shape[1]
            told = np.nan_to_num(known)
            given = {"known_past": told[:, :steps], "known_future": told[:, steps:]}
        found = self.graphs.run("forecast", past=past, **given)
        return found["raw"], found["size"], found["middle"]
