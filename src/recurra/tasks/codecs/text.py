"""A text and its label as tensors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from recurra.data.batch import Labelled
from recurra.data.readers.tabular import TextLabel
from recurra.data.vocabulary import Vocabulary, words
from recurra.errors import RecurraError
from recurra.tasks.bag import spelled
from recurra.tasks.evaluation import lengths, pad

LONGEST_TEXT = 100_000


@dataclass(frozen=True)
class TextCodec:
    """Words to ids, labels to classes.

    Args:
        vocabulary: the words that training saw.
        labels: the classes' names, in their order.
        max_length: words that are read of a text, at most.
        letters: whether each word's letters follow it, as columns.
    """

    vocabulary: Vocabulary
    labels: list[str]
    max_length: int
    letters: bool = False

    def encode(self, example: TextLabel) -> tuple[Tensor, Tensor]:
        """Return word ids, or rows of them and their letters, and class (−1: label unknown)."""
        tokens = words(example.text)[: self.max_length]
        label = self.labels.index(example.label) if example.label in self.labels else -1
        ids = torch.tensor(self.vocabulary.encode(tokens), dtype=torch.long)
        if self.letters:
            ids = torch.cat([ids[:, None], spelled(tokens)], dim=1)
        return ids, torch.tensor(label)

    def collate(self, items: Sequence[tuple[Tensor, ...]]) -> Labelled:
        """Return a padded batch."""
        texts, labels = zip(*items, strict=True)
        return Labelled(pad(texts), lengths(texts), torch.stack(labels))

    def files(self) -> dict[str, str]:
        """Return vocabulary and labels."""
        settings = {
            "labels": self.labels,
            "max_length": self.max_length,
            "letters": self.letters,
        }
        return {"vocabulary.json": self.vocabulary.to_json(), "text.json": json.dumps(settings)}

    @classmethod
    def from_files(cls, files: Mapping[str, str]) -> TextCodec:
        """Return the codec that wrote these files."""
        return cls(Vocabulary.from_json(files["vocabulary.json"]), **json.loads(files["text.json"]))


@dataclass(frozen=True)
class TextPrediction:
    """The class of a text, and the probability of every class."""

    text: str
    label: str
    probability: float
    probabilities: dict[str, float]

    def asdict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    def __str__(self) -> str:
        """Show label, certainty and the beginning of the text."""
        text = " ".join(self.text.split())
        text = text if len(text) <= 80 else text[:79] + "…"
        return f"{self.label:<12} {self.probability:6.1%}   {text}"


def checked(text: str, position: int) -> str:
    """Return a text that can be read, and says something.

    Raises:
        RecurraError: it is no text, empty, no Unicode, or longer than 100,000 characters.
    """
    if not sound(text, position).strip():
        raise RecurraError(f"input {position} is empty; give a text")
    return text


def sound(text: str, position: int) -> str:
    """Return a text that can be read.

    Raises:
        RecurraError: it is no text, no Unicode, or longer than 100,000 characters.
    """
    if not isinstance(text, str):
        raise RecurraError(f"input {position} is a {type(text).__name__}; give a text")
    if len(text) > LONGEST_TEXT:
        raise RecurraError(
            f"input {position} has {len(text):,} characters; at most {LONGEST_TEXT:,} are read: "
            "split it into rows"
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise RecurraError(f"input {position} holds half a character: {error.reason}") from error
    return text
