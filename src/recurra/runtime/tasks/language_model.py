"""How a text goes on, and how much its units surprise."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from recurra.codecs.prose import ScoredText, Speller, WrittenText, passage, scored, stream, units_of
from recurra.codecs.streams.prose import Scoring
from recurra.data.units import END, UNKNOWN
from recurra.runtime.batches import log_softmax
from recurra.runtime.chance import Chance
from recurra.runtime.live import Live
from recurra.runtime.options import Sampling
from recurra.runtime.search import Arrays, Bounds, Written
from recurra.runtime.tasks.base import Part, Task
from recurra.runtime.writer import way, write
from recurra.training.recipe import Recipe

if TYPE_CHECKING:
    from recurra.runtime.model import Exported

STEPS = 2048  # that are read at a time: a large vocabulary has many logits


class LanguageModel(Task):
    """The surprise of each text; what follows a prompt."""

    recipe: ClassVar[type[Recipe]] = Sampling

    def live(self, recipe: Any) -> Live:
        """Return a session that takes text.

        Raises:
            RecurraError: this model waits for the end of its input.
        """
        return Live(self.begun(), Scoring(self.units), log_softmax)

    def __init__(self, graphs: Exported, files: Mapping[str, str]) -> None:
        super().__init__(graphs, files)
        self.units = units_of(files)

    def predict(self, inputs: Sequence[str], recipe: Any) -> list[ScoredText]:
        """Return the surprise of each text, unit by unit.

        Raises:
            RecurraError: a text is empty or too long.
        """
        found = []
        for i, text in enumerate(inputs, 1):
            tokens = scored(text, i, self.units).astype(np.int64)
            bits = self._surprise(tokens) / math.log(2)
            unknown = int((tokens == UNKNOWN).sum())
            found.append(ScoredText(text, self.units.shown(text), bits.tolist(), unknown))
        return found

    def generate(self, prompt: str, recipe: Any) -> Iterator[Part]:
        """Yield what follows a prompt as it is written, and last the whole.

        Raises:
            RecurraError: the prompt is no text, or too long.
        """
        tokens = stream(self.units, [passage(prompt, 1)]).astype(np.int64)
        state = self._read(tokens[:-1])[1] if len(tokens) > 1 else self.graphs.begin("step")
        bounds = Bounds(END, recipe.max_length, forbidden=[UNKNOWN])
        how = way(recipe, Chance(recipe.seed), 1, bounds)
        speller, parts = Speller(self.units), list[str]()
        writing = write(self.graphs, state, tokens[-1:], how, bounds)
        while True:
            try:
                part = speller(next(writing))
            except StopIteration as done:
                (piece,) = done.value
                break
            parts.append(part)
            yield part
        if rest := speller.rest():
            parts.append(rest)
            yield rest
        yield WrittenText(prompt, "".join(parts), _tokens(piece))

    def _surprise(self, tokens: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return −log p in nats of all units but the first."""
        state, parts = Arrays(), []
        for at in range(0, len(tokens) - 1, STEPS):
            read, wanted = tokens[:-1][at : at + STEPS], tokens[1:][at : at + STEPS]
            logits, state = self._read(read, state)
            logp = log_softmax(logits)
            parts.append(-np.take_along_axis(logp, wanted[:, None], 1)[:, 0])
        return np.concatenate(parts)

    def _read(
        self, tokens: NDArray[np.int64], state: Arrays | None = None
    ) -> tuple[NDArray[Any], Arrays]:
        """Return the logits of what follows each token, and the state after the last."""
        found = self.graphs.run("sequence", x=tokens[None], **(state or {}))
        scores = found.pop("scores")[0]
        return scores, {name.removesuffix("_next"): one for name, one in found.items()}


def _tokens(piece: Written) -> list[int]:
    return piece.tokens
