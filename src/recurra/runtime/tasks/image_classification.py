"""The class of an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from recurra.codecs.pictures import ImagePrediction, Pictures
from recurra.data.readers.images import open_images
from recurra.runtime.batches import collect, softmax
from recurra.runtime.tasks.base import Task

if TYPE_CHECKING:
    from recurra.runtime.model import Exported


class ImageClassification(Task):
    """Label and probabilities of each image."""

    def __init__(self, graphs: Exported, files: Mapping[str, str]) -> None:
        super().__init__(graphs, files)
        self.pictures = Pictures.from_files(files)

    def predict(self, inputs: Sequence[Any], recipe: Any) -> list[ImagePrediction]:
        """Return label and probabilities of each image: a file, or an array.

        Raises:
            RecurraError: a file is no image; an array has not the model's shape, or is not finite.
        """
        rows = open_images(inputs, self.pictures.shape)
        images = [self.pictures.scale(self.pictures.checked(row.image, row.where)) for row in rows]
        found = collect(images, self._probabilities)
        return [
            ImagePrediction.of(row.where, self.pictures.labels, p)
            for row, p in zip(rows, found, strict=True)
        ]

    def _probabilities(self, images: list[Any]) -> list[list[float]]:
        found = softmax(self.graphs.run("predict", x=np.stack(images))["logits"])
        probabilities: list[list[float]] = found.tolist()
        return probabilities
