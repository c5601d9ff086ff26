"""A sentence about an image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from recurra.codecs.captions import LONGEST_CAPTION, Caption, Captions
from recurra.data.readers.images import open_images
from recurra.data.vocabulary import END, START
from recurra.runtime.options import Searching
from recurra.runtime.search import Bounds
from recurra.runtime.tasks.base import Part, Task
from recurra.runtime.writer import ROWS, searched, whole
from recurra.training.recipe import Recipe

if TYPE_CHECKING:
    from recurra.runtime.model import Exported


class ImageCaptioning(Task):
    """A sentence about each image."""

    recipe: ClassVar[type[Recipe]] = Searching

    def __init__(self, graphs: Exported, files: Mapping[str, str]) -> None:
        super().__init__(graphs, files)
        self.captions = Captions.from_files(files)

    def predict(self, inputs: Sequence[Any], recipe: Any) -> list[Caption]:
        """Return a sentence about each image: a file, or an array.

        Raises:
            RecurraError: a file is no image; an array has not the model's shape, or is not finite.
        """
        rows = open_images(inputs, self.captions.shape)
        images = [self.captions.scale(self.captions.checked(row.image, row.where)) for row in rows]
        some = (images[i : i + ROWS] for i in range(0, len(images), ROWS))
        sources = [{"source": np.stack(one)} for one in some]
        bounds = Bounds(END, min(LONGEST_CAPTION, recipe.max_length), recipe.no_repeat)
        found = whole(searched(self.graphs, sources, recipe, START, bounds))
        return [
            Caption(row.where, self.captions.text(one.tokens), one.score)
            for row, one in zip(rows, found, strict=True)
        ]

    def generate(self, prompt: Any, recipe: Any) -> Iterator[Part]:
        """Yield the sentence about an image: whole, since a beam may change it to the end."""
        yield from self.predict([prompt], recipe)
