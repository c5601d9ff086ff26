"""The class of an image: one-to-one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from torch import nn

from recurra.codecs.scale import scale_of
from recurra.data.readers import images
from recurra.data.readers.arrays import LabelledImage
from recurra.data.samples import digits
from recurra.data.splits import Splits
from recurra.layers.dropout import Dropout
from recurra.reports import Part, Picture
from recurra.tasks.body import cell
from recurra.tasks.codecs.pictures import ImageCodec, ImagePrediction
from recurra.tasks.encoders import ImageEncoder, Shift
from recurra.tasks.evaluation import (
    classified,
    collect,
    known,
    label_accuracy,
    label_baseline,
)
from recurra.tasks.review import of_labels
from recurra.tasks.task import Task
from recurra.topologies import Ensemble, OneToOne
from recurra.training.options import Classes, Together
from recurra.training.values import SHARE, option


@dataclass(frozen=True, kw_only=True)
class ImageRecipe(Together, Classes):
    """Options of labelling pictures."""

    encoder: Literal["convolution", "linear"] = option(
        "model", "convolution", "what reads the picture before the cell's step"
    )
    shift: float = option(
        "regularisation", 0.0, "share of its side by which training moves a picture, at most", SHARE
    )


def read(recipe: ImageRecipe) -> Splits[LabelledImage]:
    """Return the user's images, or scikit-learn's digits."""
    return images.read(recipe) if recipe.data else digits.load(recipe)


def fit(train: Sequence[LabelledImage], recipe: ImageRecipe) -> ImageCodec:
    """Return labels, shape and scale of these images."""
    height, width, channels = train[0].image.shape
    labels = sorted({row.label for row in train})
    return ImageCodec(labels, (height, width, channels), scale_of(train, recipe))


def build(codec: ImageCodec, recipe: ImageRecipe) -> nn.Module:
    """Return one network, or several that answer together."""
    return Ensemble.of(recipe.members, lambda: member(codec, recipe))


def member(codec: ImageCodec, recipe: ImageRecipe) -> nn.Module:
    """Return convolutions or none, one step of the cell, and a linear head."""
    if recipe.encoder == "convolution":
        encoder = ImageEncoder(codec.shape, recipe.embedding)
        grid, size, width = [encoder], encoder.positions * recipe.embedding, recipe.hidden
    else:
        grid, size, width = [], math.prod(codec.shape), recipe.embedding
    moved = [Shift(recipe.shift)] if recipe.shift else []
    features = nn.Sequential(
        *moved,
        *grid,
        nn.Flatten(),
        Dropout(recipe.dropout),
        nn.Linear(size, width),
        nn.ReLU(),
    )
    step = cell(recipe, width)
    head = nn.Sequential(Dropout(recipe.dropout), nn.Linear(step.output_size, len(codec.labels)))
    return OneToOne(features, step, head)


def probabilities(
    network: nn.Module, codec: ImageCodec, rows: Sequence[LabelledImage]
) -> list[list[float]]:
    """Return the probability of every class, per image."""
    return collect(network, codec, rows, lambda batch: network(batch.x).softmax(-1).tolist())


def evaluate(
    network: nn.Module, codec: ImageCodec, rows: Sequence[LabelledImage], recipe: ImageRecipe
) -> dict[str, float]:
    """Return accuracy and loss."""
    known(codec.labels, rows)
    rows = images.as_shape(rows, codec.shape)
    found, loss = classified(network, codec, rows, lambda batch: network(batch.x))
    return {"accuracy": label_accuracy(codec.labels, rows, found), **loss}


def predict(
    network: nn.Module,
    codec: ImageCodec,
    inputs: Sequence[str | Path | np.ndarray],
    recipe: ImageRecipe,
) -> list[ImagePrediction]:
    """Return label and probabilities of each image: a file, or an array.

    Raises:
        RecurraError: a file is no image; an array has not the model's shape, or is not finite.
    """
    rows = images.open_images(inputs, codec.shape)
    return [
        ImagePrediction.of(row.where, codec.labels, p)
        for row, p in zip(rows, probabilities(network, codec, rows), strict=True)
    ]


def review(
    network: nn.Module, codec: ImageCodec, rows: Sequence[LabelledImage], recipe: ImageRecipe
) -> list[Part]:
    """Return what was taken for what, and the pictures of the most confident mistakes."""
    return of_labels(
        codec.labels,
        [row.label for row in rows],
        probabilities(network, codec, images.as_shape(rows, codec.shape)),
        lambda i: Picture(rows[i].image),
        [row.where for row in rows],
    )


IMAGE_CLASSIFICATION = Task(
    name="image_classification",
    type="one-to-one",
    summary="The class of an image.",
    reads="folder of class folders, IDX (MNIST) or NPZ",
    example="digit.png",
    recipe=ImageRecipe,
    read=read,
    codec=ImageCodec.from_files,
    fit=fit,
    build=build,
    validate=evaluate,
    criterion="accuracy",
    evaluate=evaluate,
    metric="accuracy",
    sample_metric="accuracy",
    baseline=label_baseline,
    parse=Path,
    predict=predict,
    review=review,
    defaults={"batch_size": 64, "epochs": 10, "dropout": 0.3},
    presets={"quality": {"shift": 0.08, "average": 0.999, "patience": 0, "epochs": 12}},
    sample_defaults={"batch_size": 32, "epochs": 20},
)
