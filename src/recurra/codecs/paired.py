"""A text and the text to write from it as numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from tokenizers import Tokenizer

from recurra.data.vocabulary import END


@dataclass(frozen=True)
class Pairs:
    """Subwords of the source and of the target to ids, learned from the training pairs.

    Args:
        source: tokenizer of the source.
        target: tokenizer of the target.
        max_length: subwords that are read or written, at most.
    """

    source: Tokenizer
    target: Tokenizer
    max_length: int

    def numbers(self, source: str) -> list[int]:
        """Return the subwords of a source, and the end."""
        return [*self.source.encode(source).ids[: self.max_length], END]

    def files(self) -> dict[str, str]:
        """Return both tokenizers."""
        return {
            "source.tokenizer.json": self.source.to_str(),
            "target.tokenizer.json": self.target.to_str(),
            "pair.json": json.dumps({"max_length": self.max_length}),
        }

    @classmethod
    def from_files(cls: type[C], files: Mapping[str, str]) -> C:
        """Return the codec that wrote these files."""
        source, target = (
            Tokenizer.from_str(files[f"{side}.tokenizer.json"]) for side in ("source", "target")
        )
        return cls(source, target, **json.loads(files["pair.json"]))

    def told(self, text: str, tokens: list[int], score: float, looked: Any) -> Translation:
        """Return what was written of a text.

        Args:
            text: the source.
            tokens: those of the target.
            score: their log probability.
            looked: at which positions of the source each token looked; None: none.
        """
        read = self.source.encode(text).tokens[: self.max_length]
        weights = [] if looked is None else looked[:, : len(read)].tolist()
        names = [self.target.id_to_token(i) or "" for i in tokens]
        return Translation(text, self.target.decode(tokens), score, read, names, weights)


C = TypeVar("C", bound=Pairs)


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
