"""Which notes sound next, many at a time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from recurra.codecs.rolls import Continuation, opened
from recurra.data.rolls import KEYS
from recurra.runtime.chance import Chance
from recurra.runtime.options import Continuing
from recurra.runtime.search import Arrays
from recurra.runtime.tasks.base import Task
from recurra.training.recipe import Recipe

if TYPE_CHECKING:
    from recurra.runtime.model import Exported

Numbers = NDArray[np.float32]


class PolyphonicMusic(Task):
    """How each piece goes on."""

    recipe: ClassVar[type[Recipe]] = Continuing

    def __init__(self, graphs: Exported, files: Mapping[str, str]) -> None:
        super().__init__(graphs, files)
        self.steps = int(json.loads(files["roll.json"])["steps"])
        self.joint = "answers" in graphs.graphs  # each key after those below it

    def predict(self, inputs: Sequence[Any], recipe: Any) -> list[Continuation]:
        """Return how each piece goes on: the first of a file, MIDI, MATLAB or JSON.

        Raises:
            RecurraError: a file cannot be used.
        """
        return [
            self._continued(opened(given, i, recipe, self.steps).frames, str(given), recipe)
            for i, given in enumerate(inputs, 1)
        ]

    def _continued(self, frames: NDArray[np.uint8], where: str, recipe: Any) -> Continuation:
        chance, given = Chance(recipe.seed), frames.astype(np.float32)
        scores, state = self._read(given, Arrays())
        nll = self._nll(scores[:-1], given[1:]) if len(given) > 1 else 0.0
        drawn = []
        for _ in range(recipe.length):
            drawn.append(self._draw(scores[-1:], chance, recipe.temperature))
            scores, state = self._read(drawn[-1], state)
        return Continuation.of(where, frames, nll, np.concatenate(drawn), self.steps)

    def _read(self, frames: Numbers, state: Arrays) -> tuple[Numbers, Arrays]:
        """Return the scores of what follows each frame, and the state after the last."""
        found = self.graphs.run("sequence", x=frames[None], **state)
        scores = found.pop("scores")[0]
        return scores, {name.removesuffix("_next"): one for name, one in found.items()}

    def _logits(self, scores: Numbers, y: Numbers) -> Numbers:
        """Return the logit of each key; of a joint answer, given those below it."""
        if not self.joint:
            return scores
        found: Numbers = self.graphs.run("answers", scores=scores, y=y)["logits"]
        return found

    def _nll(self, scores: Numbers, y: Numbers) -> float:
        logits = self._logits(scores, y)
        lost = np.logaddexp(0, np.where(y > 0, -logits, logits)).sum(-1)
        return float(lost.mean())

    def _draw(self, scores: Numbers, chance: Chance, temperature: float) -> Numbers:
        """Return keys of one step: all at once or, where they are joint, one after another."""
        answers: Numbers = np.zeros((1, KEYS), np.float32)
        for keys in [[i] for i in range(KEYS)] if self.joint else [list(range(KEYS))]:
            logits = self._logits(scores, answers)[:, keys]
            if temperature == 0:
                answers[:, keys] = logits > 0
            else:
                powers = 1 / (1 + np.exp(-logits / temperature))
                answers[:, keys] = chance.single(*logits.shape) < powers
        return answers
