"""An image and its label as numbers, and what is said of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from numpy.typing import NDArray

from recurra.codecs.scale import Scale


@dataclass(frozen=True)
class Pictures:
    """Pixels to [0, 1], labels to classes.

    Args:
        labels: the classes' names, in their order.
        shape: height, width and channels of an image.
        scale: the pixel values that become 0 and 1.
    """

    labels: list[str]
    shape: tuple[int, int, int]
    scale: Scale

    def checked(self, image: NDArray[Any], where: str) -> NDArray[Any]:
        """Return an image that can be read; what is raised is `Scale.checked`'s."""
        return self.scale.checked(image, self.shape, where)

    def files(self) -> dict[str, str]:
        """Return labels, shape and scale."""
        stored = {"labels": self.labels, "shape": self.shape, **asdict(self.scale)}
        return {"image.json": json.dumps(stored)}

    @classmethod
    def from_files(cls: type[C], files: Mapping[str, str]) -> C:
        """Return the codec that wrote these files."""
        values = json.loads(files["image.json"])
        return cls(values["labels"], tuple(values["shape"]), Scale.of(values))


C = TypeVar("C", bound=Pictures)


@dataclass(frozen=True)
class ImagePrediction:
    """The class of an image, and the probability of every class."""

    image: str
    label: str
    probability: float
    probabilities: dict[str, float]

    @classmethod
    def of(cls, image: str, labels: Sequence[str], p: Sequence[float]) -> ImagePrediction:
        """Return the answer of these probabilities, one for each label."""
        best, label = max(zip(p, labels, strict=True))
        return cls(image, label, best, dict(zip(labels, p, strict=True)))

    def asdict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    def __str__(self) -> str:
        """Show label, certainty and the image's name."""
        return f"{self.label:<12} {self.probability:6.1%}   {self.image}"
