"""An image and a sentence about it as tensors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from recurra.codecs.captions import LONGEST_CAPTION, Caption
from recurra.codecs.scale import Scale
from recurra.data.batch import Paired
from recurra.data.readers.captions import CaptionedImage
from recurra.data.vocabulary import END, START, Vocabulary, words
from recurra.errors import RecurraError
from recurra.tasks.encoders import Seen, pixels
from recurra.tasks.evaluation import lengths, pad

__all__ = ["LONGEST_CAPTION", "Caption", "CaptionCodec"]


@dataclass(frozen=True)
class CaptionCodec:
    """Pixels to [0, 1], words to ids.

    Args:
        vocabulary: the words of the training captions.
        shape: height, width and channels of an image.
        scale: the pixel values that become 0 and 1.
        seen: the frozen encoder, where there is one: its features may stand for an image.
    """

    vocabulary: Vocabulary
    shape: tuple[int, int, int]
    scale: Scale
    seen: Seen | None = None

    def encode(self, example: CaptionedImage) -> tuple[Tensor, Tensor, Tensor]:
        """Return caption shifted right, caption, pixels as they were stored."""
        seen = self.seen is not None and example.image.ndim == 2  # what `remembered` returns
        if not seen and example.image.shape != self.shape:
            have, wanted = ("×".join(map(str, s)) for s in (example.image.shape, self.shape))
            raise RecurraError(f"{example.where}: the image is {have}; this model reads {wanted}")
        if not seen:
            self.scale.check(example.image, example.where)
        text = example.captions[0] if example.captions else ""
        ids = self.vocabulary.encode(words(text)[: LONGEST_CAPTION - 1])
        x, y = torch.tensor([START, *ids]), torch.tensor([*ids, END])
        return x, y, pixels(example.image)

    def collate(self, items: Sequence[tuple[Tensor, ...]]) -> Paired:
        """Return a padded batch."""
        x, y, images = zip(*items, strict=True)
        context = torch.stack(
            [
                image.float() if image.dim() == 2 else torch.from_numpy(self.scale(image.numpy()))
                for image in images
            ]
        )
        return Paired(context, pad(x), pad(y), lengths(x))

    def files(self) -> dict[str, str]:
        """Return vocabulary, shape and scale, and what the frozen encoder is."""
        image = json.dumps({"shape": self.shape, **asdict(self.scale)})
        encoder = {} if self.seen is None else {"encoder.json": self.seen.to_json()}
        return {"vocabulary.json": self.vocabulary.to_json(), "image.json": image, **encoder}

    @classmethod
    def from_files(cls, files: Mapping[str, str]) -> CaptionCodec:
        """Return the codec that wrote these files."""
        vocabulary = Vocabulary.from_json(files["vocabulary.json"])
        values = json.loads(files["image.json"])
        seen = Seen.from_json(files["encoder.json"]) if "encoder.json" in files else None
        return cls(vocabulary, tuple(values["shape"]), Scale.of(values), seen)

    def text(self, ids: Sequence[int]) -> str:
        """Return the caption of these ids."""
        return " ".join(self.vocabulary.decode(ids))
