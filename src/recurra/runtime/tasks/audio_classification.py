"""The label of a sound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from recurra.codecs.sounds import SoundPrediction, Sounds, opened, wanted, when
from recurra.codecs.streams.sounds import LabellingSounds
from recurra.runtime.batches import collect, lengths, pad, softmax
from recurra.runtime.live import Live, probabilities
from recurra.runtime.options import Hearing
from recurra.runtime.tasks.base import Task
from recurra.training.recipe import Recipe

if TYPE_CHECKING:
    from recurra.runtime.model import Exported


class AudioClassification(Task):
    """Label and probabilities of each sound."""

    recipe: ClassVar[type[Recipe]] = Hearing

    def __init__(self, graphs: Exported, files: Mapping[str, str]) -> None:
        super().__init__(graphs, files)
        self.sounds, self.streams = Sounds.from_files(files), "step" in graphs.graphs

    def predict(self, inputs: Sequence[Any], recipe: Any) -> list[SoundPrediction]:
        """Return label and probabilities of each sound: a file, or (samples, rate).

        Raises:
            RecurraError: a file is no sound, or samples are none.
        """
        read, rate = wanted(recipe), recipe.sample_rate
        rows = [opened(one, i, read) for i, one in enumerate(inputs, 1)]
        found = collect([self.sounds.numbers(row) for row in rows], self._steps, recipe.batch_size)
        late = self.graphs.graphs["step"]["delay"] if self.streams else 0
        answers = []
        for given, row, steps in zip(inputs, rows, found, strict=True):
            name, seconds = (
                str(given) if isinstance(given, str | Path) else "array",
                len(row) / rate,
            )
            times = when(len(steps), late, self.sounds.hop / rate, seconds) if self.streams else []
            answers.append(SoundPrediction.of(name, seconds, self.sounds.labels, steps, times))
        return answers

    def live(self, recipe: Any) -> Live:
        """Return a session that takes samples, full scale 1, at the model's rate.

        Raises:
            RecurraError: this model waits for the end of its input.
        """
        reading = LabellingSounds(self.sounds, recipe.sample_rate)
        return Live(self.begun(), reading, probabilities)

    def _steps(self, rows: list[Any]) -> list[list[list[float]]]:
        """Return each row's probabilities at each step or, at the end alone, those of the whole."""
        x, sizes = pad(rows), lengths(rows)
        if self.streams:
            heard = softmax(self.graphs.so_far(x, sizes))
            return [one[:size].tolist() for one, size in zip(heard, sizes, strict=True)]
        whole = softmax(self.graphs.run("sequence", x=x, lengths=sizes)["logits"])
        return [[one.tolist()] for one in whole]
