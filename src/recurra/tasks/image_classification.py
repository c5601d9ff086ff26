"""The class of an image: one-to-one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from recurra.data.batch import Single
from recurra.data.readers import images
from recurra.data.readers.images import LabelledImage
from recurra.data.samples import digits
from recurra.data.splits import Splits
from recurra.errors import RecurraError
from recurra.tasks.body import cell
from recurra.tasks.convolution import ImageEncoder, pixels
from recurra.tasks.evaluation import collect, majority, mean_loss, prior_loss
from recurra.tasks.task import Task
from recurra.topologies import OneToOne
from recurra.training.recipe import Recipe


@dataclass(frozen=True)
class ImageCodec:
    """Pixels to [0, 1], labels to classes.

    Args:
        labels: the classes' names, in their order.
        shape: height, width and channels of an image.
        low: pixel value that becomes 0, where pixels are no bytes.
        high: pixel value that becomes 1, likewise.
    """

    labels: list[str]
    shape: tuple[int, int, int]
    low: float
    high: float

    def encode(self, example: LabelledImage) -> tuple[Tensor, Tensor]:
        """Return pixels, as they were stored, and class (−1 where the label is unknown)."""
        if example.image.shape != self.shape:
            raise RecurraError(
                f"{example.where}: the image is {_size(example.image.shape)}; this model reads "
                f"{_size(self.shape)}"
            )
        label = self.labels.index(example.label) if example.label in self.labels else -1
        return pixels(example.image), torch.tensor(label)

    def collate(self, items: Sequence[tuple[Tensor, ...]]) -> Single:
        """Return a batch of scaled pixels."""
        pixels, labels = zip(*items, strict=True)
        return Single(torch.stack([self.scale(image) for image in pixels]), torch.stack(labels))

    def scale(self, pixels: Tensor) -> Tensor:
        """Return pixels in [0, 1]; bytes always have the range of bytes."""
        if pixels.dtype == torch.uint8:
            return pixels.float() / 255
        return (pixels.float() - self.low) / (self.high - self.low)

    def files(self) -> dict[str, str]:
        """Return labels, shape and scale."""
        return {"image.json": json.dumps(asdict(self))}

    @classmethod
    def from_files(cls, files: Mapping[str, str]) -> ImageCodec:
        """Return the codec that wrote these files."""
        values = json.loads(files["image.json"])
        return cls(**{**values, "shape": tuple(values["shape"])})


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


def read(recipe: Recipe) -> Splits[LabelledImage]:
    """Return the user's images, or scikit-learn's digits."""
    return images.read(recipe) if recipe.data else digits.load(recipe)


def fit(train: Sequence[LabelledImage], recipe: Recipe) -> ImageCodec:
    """Return labels, shape and scale of these images."""
    low = float(min(row.image.min() for row in train))
    high = float(max(row.image.max() for row in train))
    height, width, channels = train[0].image.shape
    labels = sorted({row.label for row in train})
    return ImageCodec(labels, (height, width, channels), low, high if high > low else low + 1)


def build(codec: ImageCodec, recipe: Recipe) -> nn.Module:
    """Return convolutions, one step of the cell, and a linear head."""
    encoder = ImageEncoder(codec.shape, recipe.embedding)
    features = nn.Sequential(
        encoder,
        nn.Flatten(),
        nn.Dropout(recipe.dropout),
        nn.Linear(encoder.positions * recipe.embedding, recipe.hidden),
        nn.ReLU(),
    )
    step = cell(recipe, recipe.hidden)
    head = nn.Sequential(nn.Dropout(recipe.dropout), nn.Linear(step.output_size, len(codec.labels)))
    return OneToOne(features, step, head)


def probabilities(
    network: nn.Module, codec: ImageCodec, rows: Sequence[LabelledImage]
) -> list[list[float]]:
    """Return the probability of every class, per image."""
    return collect(network, codec, rows, lambda batch: network(batch.x).softmax(-1).tolist())


def evaluate(
    network: nn.Module, codec: ImageCodec, rows: Sequence[LabelledImage], recipe: Recipe
) -> dict[str, float]:
    """Return accuracy and loss."""
    answers = [
        max(zip(p, codec.labels, strict=True))[1] for p in probabilities(network, codec, rows)
    ]
    right = sum(answer == row.label for answer, row in zip(answers, rows, strict=True))
    return {"accuracy": right / max(len(rows), 1), **mean_loss(network, codec, rows)}


def baseline(train: Sequence[LabelledImage], test: Sequence[LabelledImage]) -> dict[str, float]:
    """Return what the most frequent label reaches."""
    seen, asked = [row.label for row in train], [row.label for row in test]
    return {"accuracy": majority(seen, asked), "loss": prior_loss(seen, asked)}


def predict(
    network: nn.Module, codec: ImageCodec, inputs: Sequence[str | Path | np.ndarray], recipe: Recipe
) -> list[ImagePrediction]:
    """Return label and probabilities of each image: a file, or an array.

    Raises:
        RecurraError: a file is no image; an array has not the model's shape, or is not finite.
    """
    rows = [images.open_image(image, codec.shape) for image in inputs]
    answers = []
    for row, p in zip(rows, probabilities(network, codec, rows), strict=True):
        best, label = max(zip(p, codec.labels, strict=True))
        answers.append(
            ImagePrediction(row.where, label, best, dict(zip(codec.labels, p, strict=True)))
        )
    return answers


IMAGE_CLASSIFICATION = Task(
    name="image_classification",
    type="one-to-one",
    summary="The class of an image.",
    reads="folder of class folders, IDX (MNIST) or NPZ",
    example="digit.png",
    read=read,
    codec=ImageCodec.from_files,
    fit=fit,
    build=build,
    validate=evaluate,
    criterion="accuracy",
    evaluate=evaluate,
    metric="accuracy",
    sample_metric="accuracy",
    baseline=baseline,
    parse=Path,
    predict=predict,
    defaults={"batch_size": 64, "epochs": 10, "dropout": 0.3},
    sample_defaults={"batch_size": 32, "epochs": 20},
)
