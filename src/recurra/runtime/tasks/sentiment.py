"""The label of a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from recurra.codecs.streams.words import LabellingWords
from recurra.codecs.texts import TextPrediction, Texts, checked
from recurra.runtime.batches import collect, lengths, pad, softmax
from recurra.runtime.live import Live, probabilities
from recurra.runtime.tasks.base import Task

if TYPE_CHECKING:
    from recurra.runtime.model import Exported


class Sentiment(Task):
    """Label and probabilities of each text."""

    def __init__(self, graphs: Exported, files: Mapping[str, str]) -> None:
        super().__init__(graphs, files)
        self.texts = Texts.from_files(files)

    def predict(self, inputs: Sequence[str], recipe: Any) -> list[TextPrediction]:
        """Return label and probabilities of each text.

        Raises:
            RecurraError: a text is empty or too long.
        """
        rows = [self.texts.numbers(checked(text, i)) for i, text in enumerate(inputs, 1)]
        found = collect(rows, lambda some: softmax(self._scores(some)).tolist())
        return [
            TextPrediction.of(text, self.texts.labels, p)
            for text, p in zip(inputs, found, strict=True)
        ]

    def live(self, recipe: Any) -> Live:
        """Return a session that takes text; a word is read when a blank follows it.

        Raises:
            RecurraError: this model waits for the end of its input.
        """
        return Live(self.begun(), LabellingWords(self.texts), probabilities)

    def _scores(self, rows: list[Any]) -> Any:
        return self.graphs.run("sequence", x=pad(rows), lengths=lengths(rows))["logits"]
