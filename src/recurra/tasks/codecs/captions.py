"""An image and a sentence about it as tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from recurra.codecs.captions import LONGEST_CAPTION, Caption, Captions
from recurra.data.batch import Paired
from recurra.data.readers.captions import CaptionedImage
from recurra.data.vocabulary import END, START, words
from recurra.tasks.encoders import Seen, pixels
from recurra.tasks.evaluation import lengths, pad

__all__ = ["LONGEST_CAPTION", "Caption", "CaptionCodec"]


@dataclass(frozen=True)
class CaptionCodec(Captions):
    """Pixels to [0, 1], words to ids, as tensors.

    Args:
        vocabulary, shape, scale: as of `Captions`.
        seen: the frozen encoder, where there is one: its features may stand for an image.
    """

    seen: Seen | None = None

    def encode(self, example: CaptionedImage) -> tuple[Tensor, Tensor, Tensor]:
        """Return caption shifted right, caption, pixels as they were stored."""
        seen = self.seen is not None and example.image.ndim == 2  # what `remembered` returns
        if not seen:
            self.checked(example.image, example.where)
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
        encoder = {} if self.seen is None else {"encoder.json": self.seen.to_json()}
        return {**super().files(), **encoder}

    @classmethod
    def from_files(cls, files: Mapping[str, str]) -> CaptionCodec:
        """Return the codec that wrote these files."""
        seen = Seen.from_json(files["encoder.json"]) if "encoder.json" in files else None
        return replace(super().from_files(files), seen=seen)
