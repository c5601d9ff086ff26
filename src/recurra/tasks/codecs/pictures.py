"""An image and its label as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from recurra.codecs.pictures import ImagePrediction, Pictures
from recurra.data.batch import Single
from recurra.data.readers.arrays import LabelledImage
from recurra.tasks.encoders.convolution import pixels

__all__ = ["ImageCodec", "ImagePrediction"]


@dataclass(frozen=True)
class ImageCodec(Pictures):
    """Pixels to [0, 1], labels to classes, as tensors."""

    def encode(self, example: LabelledImage) -> tuple[Tensor, Tensor]:
        """Return pixels, as they were stored, and class (−1 where the label is unknown)."""
        label = self.labels.index(example.label) if example.label in self.labels else -1
        return pixels(self.checked(example.image, example.where)), torch.tensor(label)

    def collate(self, items: Sequence[tuple[Tensor, ...]]) -> Single:
        """Return a batch of scaled pixels."""
        images, labels = zip(*items, strict=True)
        scaled = [torch.from_numpy(self.scale(image.numpy())) for image in images]
        return Single(torch.stack(scaled), torch.stack(labels))
