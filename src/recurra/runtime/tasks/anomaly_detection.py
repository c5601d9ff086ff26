"""What is unusual in a series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from recurra.codecs.alarms import Watched
from recurra.codecs.streams.alarms import Alarming
from recurra.codecs.watch import Readings
from recurra.data.readers.series import Series
from recurra.runtime.distributions import DISTRIBUTIONS
from recurra.runtime.live import Live
from recurra.runtime.options import Watching
from recurra.runtime.search import Arrays
from recurra.runtime.tasks.base import Task
from recurra.training.recipe import Recipe

if TYPE_CHECKING:
    from recurra.runtime.model import Exported

CHUNK = 4096  # steps that are read at once


class AnomalyDetection(Task):
    """Score and alarm of every row."""

    recipe: ClassVar[type[Recipe]] = Watching

    def live(self, recipe: Any) -> Live:
        """Return a session that takes rows of numbers, or of values and a time.

        Raises:
            RecurraError: this model waits for the end of its input.
        """
        told, count = DISTRIBUTIONS[recipe.output], len(self.readings.names)

        def head(scores: NDArray[Any]) -> NDArray[Any]:
            raw = scores.reshape(len(scores), count, told.size)
            return told.middle(raw) if recipe.surprise == "error" else raw

        assert told.losses is not None, "a watch foretells by a density"
        reading = Alarming(self.readings, recipe, recipe.threshold, told.size, told.losses)
        return Live(self.begun(), reading, head)

    def __init__(self, graphs: Exported, files: Mapping[str, str]) -> None:
        super().__init__(graphs, files)
        self.readings = Readings.from_files(files)

    def predict(self, inputs: Sequence[Any], recipe: Any) -> list[Watched]:
        """Return score and alarm of every row of each file, or of a series that was read already.

        Raises:
            RecurraError: a file cannot be read, or has other columns.
        """
        answers, limit = [], recipe.threshold
        for i, given in enumerate(inputs, 1):
            name, found = self.readings.opened(given, i, recipe)
            series = [
                self.readings.told(
                    one,
                    self.readings.moments(one, self._errors(one, recipe), recipe, limit),
                    limit,
                )
                for one in found
            ]
            answers.append(Watched(name, tuple(series)))
        return answers

    def _errors(self, series: Series, recipe: Any) -> NDArray[np.float64]:
        """Return how wrong each step but the first was foretold [time − 1, channels]."""
        x, moved = self.readings.measure(series)
        told, state, parts = DISTRIBUTIONS[recipe.output], Arrays(), []
        for begin in range(0, len(x), CHUNK):
            found = self.graphs.run("sequence", x=x[None, begin : begin + CHUNK], **state)
            scores = found.pop("scores")[0]
            state = {name.removesuffix("_next"): one for name, one in found.items()}
            parts.append(scores.reshape(len(scores), len(self.readings.names), told.size))
        raw, wanted = np.concatenate(parts)[:-1], moved[1:].astype(np.float32)
        if recipe.surprise == "error":
            return np.abs(wanted - told.middle(raw)).astype(np.float64)
        assert told.losses is not None, "a watch foretells by a density"
        losses = told.losses(raw, np.nan_to_num(wanted)).astype(np.float64)
        return np.where(np.isnan(wanted), np.nan, losses)
