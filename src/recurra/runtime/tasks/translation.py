"""A text written from a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from recurra.codecs.paired import Pairs
from recurra.codecs.paired import Translation as Answer
from recurra.codecs.texts import checked
from recurra.data.vocabulary import END, START
from recurra.runtime.batches import lengths, pad
from recurra.runtime.options import Searching
from recurra.runtime.search import Bounds
from recurra.runtime.tasks.base import Task
from recurra.runtime.writer import ROWS, searched, whole
from recurra.training.recipe import Recipe

if TYPE_CHECKING:
    from recurra.runtime.model import Exported


class Translation(Task):
    """The translation of each text."""

    recipe: ClassVar[type[Recipe]] = Searching

    def __init__(self, graphs: Exported, files: Mapping[str, str]) -> None:
        super().__init__(graphs, files)
        self.pairs = Pairs.from_files(files)

    def predict(self, inputs: Sequence[str], recipe: Any) -> list[Answer]:
        """Return the translation of each text.

        Raises:
            RecurraError: a text is empty or too long.
        """
        texts = [checked(text, i) for i, text in enumerate(inputs, 1)]
        rows = [np.array(self.pairs.numbers(text), np.int64) for text in texts]
        some = [rows[i : i + ROWS] for i in range(0, len(rows), ROWS)]
        sources = [{"source": pad(one), "source_lengths": lengths(one)} for one in some]
        bounds = Bounds(END, recipe.max_length, recipe.no_repeat)
        found = whole(searched(self.graphs, sources, recipe, START, bounds))
        return [
            self.pairs.told(text, one.tokens, one.score, one.weights)
            for text, one in zip(texts, found, strict=True)
        ]
