"""The class of a signal, or of each of its steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from recurra.codecs.heard import SignalPrediction, StepPrediction, by_input
from recurra.codecs.signals import Signals
from recurra.codecs.streams.signals import LabellingSignals
from recurra.runtime.batches import collect, lengths, pad, softmax
from recurra.runtime.live import Live, probabilities
from recurra.runtime.options import Signalling
from recurra.runtime.tasks.base import Task
from recurra.training.recipe import Recipe

if TYPE_CHECKING:
    from recurra.runtime.model import Exported


class SignalClassification(Task):
    """The class of each signal, or of each of its steps."""

    recipe: ClassVar[type[Recipe]] = Signalling

    def __init__(self, graphs: Exported, files: Mapping[str, str]) -> None:
        super().__init__(graphs, files)
        self.signals = Signals.from_files(files)

    def predict(self, inputs: Sequence[Any], recipe: Any) -> list[Any]:
        """Return what is said of each input: a file of one or more signals, or an array.

        Raises:
            RecurraError: a file or array cannot be read.
        """
        groups = [self.signals.read(one, i, recipe) for i, one in enumerate(inputs, 1)]
        rows, labels = [row for group in groups for row in group], self.signals.labels
        found = collect([self.signals.numbers(row) for row in rows], self._answers)
        answers: list[Any] = [
            StepPrediction.of(row.where, labels, p)
            if self.signals.per_step
            else SignalPrediction.of(row.where, labels, p, heard)
            for row, (p, heard) in zip(rows, found, strict=True)
        ]
        return by_input(inputs, groups, answers)

    def live(self, recipe: Any) -> Live:
        """Return a session that takes rows of numbers, NaN where one is missing.

        Raises:
            RecurraError: this model waits for the end of its input.
        """
        return Live(self.begun(), LabellingSignals(self.signals), probabilities)

    def _answers(self, rows: list[Any]) -> list[tuple[Any, Any]]:
        """Return the probabilities of each row and, where they are known, of each step so far."""
        x, sizes = pad(rows), lengths(rows)
        if self.signals.per_step:
            p = softmax(self.graphs.run("sequence", x=x, lengths=sizes)["scores"])
            return [(row[:size], None) for row, size in zip(p, sizes, strict=True)]
        p = softmax(self.graphs.run("sequence", x=x, lengths=sizes)["logits"])
        if "step" not in self.graphs.graphs or self.signals.own_scale:
            return [(row, None) for row in p]
        heard = softmax(self.graphs.so_far(x, sizes))
        return [(row, one[:size]) for row, one, size in zip(p, heard, sizes, strict=True)]
