"""A piece of music in a key and mode."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from recurra.codecs.tunes import GeneratedTune, parse
from recurra.data.music import MODES, Notes
from recurra.runtime.options import Sampling
from recurra.runtime.search import Bounds
from recurra.runtime.tasks.base import Part, Task
from recurra.runtime.writer import searched, whole
from recurra.training.recipe import Recipe

if TYPE_CHECKING:
    from recurra.runtime.model import Exported


class MusicGeneration(Task):
    """A tune for each key and mode."""

    recipe: ClassVar[type[Recipe]] = Sampling

    def __init__(self, graphs: Exported, files: Mapping[str, str]) -> None:
        super().__init__(graphs, files)
        self.notes = Notes.from_json(files["notes.json"])

    def predict(self, inputs: Sequence[Any], recipe: Any) -> list[GeneratedTune]:
        """Return one tune per key and mode, as "G major" or (7, "major").

        Raises:
            RecurraError: an input names no key or mode.
        """
        wanted = [parse(one) for one in inputs]
        written = whole(self._written(wanted, recipe))
        return [
            GeneratedTune.of(key, mode, one.tokens, self.notes)
            for (key, mode), one in zip(wanted, written, strict=True)
        ]

    def generate(self, prompt: Any, recipe: Any) -> Iterator[Part]:
        """Yield the names of a tune's tokens as they are written, and last the tune.

        Raises:
            RecurraError: the prompt names no key or mode.
        """
        wanted = parse(prompt)
        writing = self._written([wanted], recipe)
        while True:
            try:
                token = next(writing)
            except StopIteration as done:
                yield GeneratedTune.of(*wanted, done.value[0].tokens, self.notes)
                return
            if token != self.notes.end:
                yield self.notes.name(token)

    def _written(self, wanted: Sequence[tuple[int, str]], recipe: Any) -> Any:
        attributes = np.array([[key, MODES.index(mode)] for key, mode in wanted], np.int64)
        bounds = Bounds(self.notes.end, recipe.max_length)
        source = [{"source": attributes}]
        return searched(self.graphs, source, recipe, self.notes.start, bounds)
