"""A text and its label as numbers, and what is said of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from recurra.data.vocabulary import Vocabulary, words
from recurra.errors import RecurraError

LONGEST_TEXT = 100_000
LETTERS = 16  # of a word that are read


@dataclass(frozen=True)
class Texts:
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

    def numbers(self, text: str) -> NDArray[np.int64]:
        """Return word ids [time], or rows of them and their letters [time columns]."""
        tokens = words(text)[: self.max_length]
        ids = np.array(self.vocabulary.encode(tokens), np.int64)
        return np.concatenate([ids[:, None], spelled(tokens)], 1) if self.letters else ids

    def files(self) -> dict[str, str]:
        """Return vocabulary and labels."""
        settings = {
            "labels": self.labels,
            "max_length": self.max_length,
            "letters": self.letters,
        }
        return {"vocabulary.json": self.vocabulary.to_json(), "text.json": json.dumps(settings)}

    @classmethod
    def from_files(cls: type[C], files: Mapping[str, str]) -> C:
        """Return the codec that wrote these files."""
        return cls(Vocabulary.from_json(files["vocabulary.json"]), **json.loads(files["text.json"]))


C = TypeVar("C", bound=Texts)


def spelled(words: Sequence[str]) -> NDArray[np.int64]:
    """Return the code points of each word's first letters [time letters], padded by 0."""
    rows = [[*map(ord, word[:LETTERS]), *[0] * (LETTERS - len(word))] for word in words]
    return np.array(rows, np.int64).reshape(-1, LETTERS)


@dataclass(frozen=True)
class TextPrediction:
    """The class of a text, and the probability of every class."""

    text: str
    label: str
    probability: float
    probabilities: dict[str, float]

    @classmethod
    def of(cls, text: str, labels: Sequence[str], p: Sequence[float]) -> TextPrediction:
        """Return the answer of these probabilities, one for each label."""
        best, label = max(zip(p, labels, strict=True))
        return cls(text, label, best, dict(zip(labels, p, strict=True)))

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
