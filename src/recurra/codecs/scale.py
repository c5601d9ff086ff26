"""How stored pixels become numbers from 0 to 1: one rule for files and arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recurra.data.readers.text import say
from recurra.errors import DataError, RecurraError
from recurra.training.recipe import Recipe

DEPTHS = (8, 10, 12, 14, 16)


@dataclass(frozen=True)
class Scale:
    """The numbers that become 0 and 1.

    Bytes always go from 0 to 255. Values of 16 bits go from 0 to 2**bits − 1, the depth in use:
    the least of 8, 10, 12, 14 and 16 bits that holds the training part. Other numbers go from
    `low` to `high`: 0 to 1 or 0 to 255 where the training part fills it, else its least and its
    greatest number.

    Args:
        low: what becomes 0, where pixels are neither bytes nor of 16 bits.
        high: what becomes 1, likewise.
        bits: depth of values of 16 bits; 0 where the training part had none, and all 16 count.
        real: whether the training part had numbers of other kinds; else none are read that
            cannot be bytes, or values of 16 bits, too.
    """

    low: float = 0.0
    high: float = 255.0
    bits: int = 16
    real: bool = True

    @classmethod
    def fit(cls, images: Iterable[NDArray[Any]]) -> Scale:
        """Return the scale of a training part: uint8, uint16 and float32 arrays."""
        deepest, least, greatest = 0, np.inf, -np.inf
        for image in images:
            if image.dtype == np.uint16:
                deepest = max(deepest, int(image.max()))
            elif image.dtype != np.uint8:
                least, greatest = min(least, float(image.min())), max(greatest, float(image.max()))
        bits = next(n for n in DEPTHS if deepest < 2**n) if deepest else 0
        if least > greatest:
            return cls(0.0, 2.0**bits - 1 if deepest else 255.0, bits, real=False)
        if least >= 0 and (greatest <= 1 or 127 < greatest <= 255):
            return cls(0.0, 1.0 if greatest <= 1 else 255.0, bits)
        return cls(least, greatest if greatest > least else least + 1, bits)

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Scale:
        """Return the scale among a bundle's values."""
        return cls(**{f.name: stored[f.name] for f in fields(cls) if f.name in stored})

    @property
    def deepest(self) -> int:
        """What becomes 1 of values of 16 bits."""
        return int(2 ** (self.bits or 16) - 1)

    def __str__(self) -> str:
        """Say what a user cannot see in the files."""
        if self.real:
            return f"pixels are numbers; {self.low:g} to {self.high:g} become 0 to 1"
        return f"pixels use {self.bits} of 16 bits; 0 to {self.deepest} become 0 to 1"

    def checked(self, image: NDArray[Any], shape: Sequence[int], where: str) -> NDArray[Any]:
        """Return an image that a model of this shape can read.

        Raises:
            RecurraError: it has another shape, or its numbers mean something else.
        """
        if image.shape != tuple(shape):
            have, wanted = ("×".join(map(str, one)) for one in (image.shape, shape))
            raise RecurraError(f"{where}: the image is {have}; this model reads {wanted}")
        self.check(image, where)
        return image

    def check(self, image: NDArray[Any], where: str) -> None:
        """Refuse an image whose numbers mean something else than those of the training part.

        Raises:
            DataError: it has real numbers out of range, or from 0 to 1, and the model reads bytes;
                or values of 16 bits that use far more or fewer of them.
        """
        if image.dtype == np.uint16:
            most = int(image.max())
            if most > 4 * self.deepest or (not self.bits and 0 < most < 4096):
                raise DataError(
                    where,
                    f"has values up to {most} in 16 bits; this model reads 0 to {self.deepest}, "
                    "or bytes: scale them",
                )
        if self.real or image.dtype in (np.uint8, np.uint16):
            return
        low, high = float(image.min()), float(image.max())
        if low < 0 or high > self.high or 0 < high <= 1:
            raise DataError(
                where,
                f"holds numbers from {low:g} to {high:g}; this model reads 0 to {self.high:g}, "
                "or bytes: scale them",
            )

    def __call__(self, pixels: NDArray[Any]) -> NDArray[np.float32]:
        """Return pixels with 0 and 1 where this scale has them."""
        real = np.asarray(pixels, np.float32)
        if pixels.dtype == np.uint8:
            return real / np.float32(255)
        if pixels.dtype == np.uint16:
            return real / np.float32(self.deepest)
        return (real - np.float32(self.low)) / np.float32(self.high - self.low)


def scale_of(rows: Sequence[Any], recipe: Recipe) -> Scale:
    """Return the scale of a training part; tell it where pixels are no bytes."""
    scale = Scale.fit(row.image for row in rows)
    if any(row.image.dtype != np.uint8 for row in rows):
        say(f"{recipe.data}: {scale}")
    return scale
