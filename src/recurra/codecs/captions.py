"""An image as numbers, and a sentence about it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from numpy.typing import NDArray

from recurra.codecs.scale import Scale
from recurra.data.vocabulary import Vocabulary

LONGEST_CAPTION = 60


@dataclass(frozen=True)
class Captions:
    """Pixels to [0, 1], words to ids.

    Args:
        vocabulary: the words of the training captions.
        shape: height, width and channels of an image.
        scale: the pixel values that become 0 and 1.
    """

    vocabulary: Vocabulary
    shape: tuple[int, int, int]
    scale: Scale

    def checked(self, image: NDArray[Any], where: str) -> NDArray[Any]:
        """Return an image that can be read; what is raised is `Scale.checked`'s."""
        return self.scale.checked(image, self.shape, where)

    def files(self) -> dict[str, str]:
        """Return vocabulary, shape and scale."""
        image = json.dumps({"shape": self.shape, **asdict(self.scale)})
        return {"vocabulary.json": self.vocabulary.to_json(), "image.json": image}

    @classmethod
    def from_files(cls: type[C], files: Mapping[str, str]) -> C:
        """Return the codec that wrote these files."""
        values = json.loads(files["image.json"])
        vocabulary = Vocabulary.from_json(files["vocabulary.json"])
        return cls(vocabulary, tuple(values["shape"]), Scale.of(values))

    def text(self, ids: Sequence[int]) -> str:
        """Return the caption of these ids."""
        return " ".join(self.vocabulary.decode(ids))


C = TypeVar("C", bound=Captions)


@dataclass(frozen=True)
class Caption:
    """A sentence about an image, and its log probability."""

    image: str
    text: str
    score: float

    def asdict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    def __str__(self) -> str:
        """Show the sentence and the image's name."""
        return f"{self.text}   ({self.image})"
