"""The label of a text."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from recurra.codecs.texts import TextPrediction, Texts, checked, sound
from recurra.runtime.batches import collect, lengths, pad, softmax
from recurra.runtime.live import Live
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

    def live(self) -> Live:
        """Return a session that takes text; a word is read when a blank follows it.

        Raises:
            RecurraError: this model waits for the end of its input.
        """
        endless = replace(self.texts, max_length=sys.maxsize)

        def read(text: str, over: bool) -> tuple[NDArray[Any], str]:
            stop = len(text) if over else max((text.rfind(c) for c in " \n\t"), default=-1) + 1
            return endless.numbers(sound(text[:stop], 1)), text[stop:]

        return Live(self.begun(), self.texts.labels, read, "")

    def _scores(self, rows: list[Any]) -> Any:
        return self.graphs.run("sequence", x=pad(rows), lengths=lengths(rows))["logits"]
