"""Handwritten digits of 8×8 pixels, out of scikit-learn: the sample for images."""

import random
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recurra.data.readers.arrays import LabelledImage
from recurra.data.splits import Splits
from recurra.errors import MissingExtra
from recurra.training.recipe import Recipe

SHARES = {"valid": 0.1, "test": 0.2}


def load(recipe: Recipe) -> Splits[LabelledImage]:
    """Return 1,797 digits, split 70/10/20 within each class; the seed shuffles training only.

    Alpaydin and Kaynak 1998, https://doi.org/10.24432/C50P49 (the test set of that data set).

    Raises:
        MissingExtra: scikit-learn is not installed.
    """
    parts = by_part()
    random.Random(recipe.seed).shuffle(parts["train"])
    return Splits(parts["train"], parts["valid"], parts["test"])


def by_part() -> dict[str, list[LabelledImage]]:
    """Return the digits of each part, always the same.

    Raises:
        MissingExtra: scikit-learn is not installed.
    """
    try:
        bundled = import_module("sklearn.datasets").load_digits()
    except ImportError as error:
        raise MissingExtra("the digits sample", "scikit-learn", "demo") from error
    images: NDArray[Any] = (bundled.images * (255 / 16)).round().astype(np.uint8)[..., None]
    parts: dict[str, list[LabelledImage]] = {"train": [], "valid": [], "test": []}
    for digit in range(10):
        items = np.flatnonzero(bundled.target == digit).tolist()
        random.Random(digit).shuffle(items)
        valid, test = (round(share * len(items)) for share in SHARES.values())
        cut = {"valid": items[:valid], "test": items[valid:][:test], "train": items[valid + test :]}
        for part, chosen in cut.items():
            parts[part] += [
                LabelledImage(images[i], str(digit), f"digits:{i + 1}") for i in sorted(chosen)
            ]
    return parts
