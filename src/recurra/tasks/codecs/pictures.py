"""An image and its label as tensors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from recurra.data.batch import Single
from recurra.data.readers.arrays import LabelledImage
from recurra.errors import RecurraError
from recurra.tasks.codecs.scale import Scale
from recurra.tasks.encoders.convolution import pixels


@dataclass(frozen=True)
class ImageCodec:
    """Pixels to [0, 1], labels to classes.

    Args:
        labels: the classes' names, in their order.
        shape: height, width and channels of an image.
        scale: the pixel values that become 0 and 1.
    """

    labels: list[str]
    shape: tuple[int, int, int]
    scale: Scale

    def encode(self, example: LabelledImage) -> tuple[Tensor, Tensor]:
        """Return pixels, as they were stored, and class (−1 where the label is unknown)."""
        if example.image.shape != self.shape:
            raise RecurraError(
                f"{example.where}: the image is {_size(example.image.shape)}; this model reads "
                f"{_size(self.shape)}"
            )
        self.scale.check(example.image, example.where)
        label = self.labels.index(example.label) if example.label in self.labels else -1
        return pixels(example.image), torch.tensor(label)

    def collate(self, items: Sequence[tuple[Tensor, ...]]) -> Single:
        """Return a batch of scaled pixels."""
        pixels, labels = zip(*items, strict=True)
        return Single(torch.stack([self.scale(image) for image in pixels]), torch.stack(labels))

    def files(self) -> dict[str, str]:
        """Return labels, shape and scale."""
        stored = {"labels": self.labels, "shape": self.shape, **asdict(self.scale)}
        return {"image.json": json.dumps(stored)}

    @classmethod
    def from_files(cls, files: Mapping[str, str]) -> ImageCodec:
        """Return the codec that wrote these files."""
        values = json.loads(files["image.json"])
        return cls(values["labels"], tuple(values["shape"]), Scale.of(values))


@dataclass(frozen=True)
class ImagePrediction:
    """The class of an image, and the probability of every class."""

    image: str
    label: str
    probability: float
    probabilities: dict[str, float]

    def asdict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    def __str__(self) -> str:
        """Show label, certainty and the image's name."""
        return f"{self.label:<12} {self.probability:6.1%}   {self.image}"


def _size(shape: Sequence[int]) -> str:
    return "×".join(str(n) for n in shape)
