"""A text and the text to write from it as tensors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor

from recurra.data.batch import Paired
from recurra.data.readers.parallel import Pair
from recurra.data.vocabulary import END, START
from recurra.tasks.evaluation import lengths, pad


@dataclass(frozen=True)
class PairCodec:
    """Subwords of the source and of the target to ids, learned from the training pairs.

    Args:
        source: tokenizer of the source.
        target: tokenizer of the target.
        max_length: subwords that are read or written, at most.
    """

    source: Tokenizer
    target: Tokenizer
    max_length: int

    def encode(self, example: Pair) -> tuple[Tensor, Tensor, Tensor]:
        """Return target shifted right, target, source."""
        source = self.source.encode(example.source).ids[: self.max_length]
        target = self.target.encode(example.target).ids[: self.max_length - 1]
        x, y, read = [START, *target], [*target, END], [*source, END]
        return torch.tensor(x), torch.tensor(y), torch.tensor(read)

    def collate(self, items: Sequence[tuple[Tensor, ...]]) -> Paired:
        """Return a padded batch."""
        x, y, source = zip(*items, strict=True)
        return Paired(pad(source), pad(x), pad(y), lengths(x), lengths(source))

    def files(self) -> dict[str, str]:
        """Return both tokenizers."""
        return {
            "source.tokenizer.json": self.source.to_str(),
            "target.tokenizer.json": self.target.to_str(),
            "pair.json": json.dumps({"max_length": self.max_length}),
        }

    @classmethod
    def from_files(cls, files: Mapping[str, str]) -> PairCodec:
        """Return the codec that wrote these files."""
        source, target = (
            Tokenizer.from_str(files[f"{side}.tokenizer.json"]) for side in ("source", "target")
        )
        return cls(source, target, **json.loads(files["pair.json"]))


@dataclass(frozen=True)
class Translation:
    """A text written from a text, its log probability, and where each output token looked."""

    source: str
    text: str
    score: float
    source_tokens: list[str]
    tokens: list[str]
    attention: list[list[float]]

    def asdict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    def __str__(self) -> str:
        """Show the translation."""
        return self.text
