"""A text as tensors of units."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Integer
from torch import Tensor

from recurra.codecs.prose import ScoredText, Speller, WrittenText, stream, units_of
from recurra.data.batch import Aligned, Continued
from recurra.data.passages import Passage
from recurra.data.units import END, Units
from recurra.tasks.evaluation import lengths, pad

__all__ = ["ProseCodec", "ScoredText", "Speller", "WrittenText"]


@dataclass(frozen=True)
class ProseCodec:
    """Text to units.

    Args:
        units: characters, bytes, subwords or words.
    """

    units: Units
    _kept: dict[int, tuple[Sequence[Passage], Tensor]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def kept(self, passages: Sequence[Passage]) -> Integer[Tensor, " time"]:
        """Return their stream; of a part of a run, which is asked for again, it is made once."""
        if id(passages) not in self._kept:
            self._kept[id(passages)] = passages, self.stream(passages)
        return self._kept[id(passages)][1]

    def stream(self, passages: Sequence[Passage]) -> Integer[Tensor, " time"]:
        """Return `<end>` and then all texts in their order, an `<end>` between each two."""
        return torch.from_numpy(stream(self.units, passages))

    def encode(self, example: Passage) -> tuple[Tensor, Tensor]:
        """Return what is read at each step, and what follows it."""
        both = self.stream([example])
        return both[:-1], both[1:]

    def collate(self, items: Sequence[tuple[Tensor, ...]]) -> Aligned | Continued:
        """Return a padded batch; a row that begins anew reads `<end>` first, wherever it lies."""
        x, y, *fresh = zip(*items, strict=True)
        tokens, targets = pad(x).long(), pad(y).long()
        if not fresh:
            return Aligned(tokens, lengths(x), targets)
        begins = torch.stack(fresh[0])
        tokens[begins, 0] = END
        return Continued(tokens, lengths(x), targets, begins)

    def files(self) -> dict[str, str]:
        """Return the units' names."""
        return {
            "units.json": json.dumps(
                {"unit": self.units.name, "vocabulary": self.units.stored()}, ensure_ascii=False
            )
        }

    @classmethod
    def from_files(cls, files: Mapping[str, str]) -> ProseCodec:
        """Return the codec that wrote these files."""
        return cls(units_of(files))


def spelled(units: Units, numbers: Sequence[int]) -> Iterator[str]:
    """Yield the characters that each unit completes."""
    speller = Speller(units)
    yield from map(speller, numbers)
    yield speller.rest()
