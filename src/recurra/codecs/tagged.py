"""A sentence and its tags as numbers; tags as entities."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from recurra.codecs.texts import checked
from recurra.data.habit import Habit
from recurra.data.readers.conll import Tagged, one
from recurra.data.vocabulary import Vocabulary, composed, words
from recurra.errors import RecurraError

LETTERS = 16
SHAPES = ("lower", "Capital", "UPPER", "digits", "miXed", "other", "First")
WORD, SHAPE, SAME = range(3)  # columns of a document's tokens; letters follow


def shape(word: str, *, first: bool = False) -> int:
    """Return which of `SHAPES` a word has, counted from 1; a first word is capital anyway."""
    if any(c.isdigit() for c in word):
        return 4
    if word.islower():
        return 1
    if word.isupper() and len(word) > 1:
        return 3
    if word[:1].isupper() and (word[1:].islower() or len(word) == 1):
        return 7 if first else 2
    return 5 if word.isalpha() else 6


@dataclass(frozen=True)
class Tags:
    """Words, shapes and letters to ids; tags to classes.

    Args:
        words: lower-cased words that training saw.
        letters: characters that training saw.
        tags: the classes' names, "O" first.
        max_length: words that are read of a sentence, at most.
        documents: whether sentences are read with the others of their document: their tokens have
            a column more, which is equal where two are the same word.
        rare: the first of the words that training saw once; None: not known.
        habit: how training's sentences are cut into words; none, in bundles that were made before
            there were habits: text is cut as `vocabulary.words` does, and tokens are not composed.
    """

    words: Vocabulary
    letters: Vocabulary
    tags: list[str]
    max_length: int
    documents: bool = False
    rare: int | None = None
    habit: Habit | None = None

    def cut(self, text: str) -> list[str]:
        """Return the words of a raw text, cut as training's sentences are."""
        return words(text, lower=False) if self.habit is None else self.habit.words(text)

    def numbers(self, example: Tagged) -> NDArray[np.int64]:
        """Return word, shape and letters per token [time columns]."""
        tokens = example.tokens[: self.max_length]
        if self.habit is not None:
            tokens = [composed(token) for token in tokens]
        lowered = [token.lower() for token in tokens]
        place: dict[str, int] = {}
        rows = []
        for i, (word, token) in enumerate(zip(self.words.encode(lowered), tokens, strict=True)):
            row = [word, self._shape(token, first=i in example.starts)]
            if self.documents:
                row.append(place.setdefault(lowered[i], len(place) + 1))
            letters = self.letters.encode(list(token[:LETTERS]))
            rows.append([*row, *letters, *[0] * (LETTERS - len(letters))])
        return np.array(rows, np.int64).reshape(-1, 2 + self.documents + LETTERS)

    def _shape(self, token: str, *, first: bool) -> int:
        """Return a word's shape; in a document, every shape has a second one, of first words."""
        found = shape(token, first=first)
        return found + len(SHAPES) if first and self.documents else found

    def read(self, given: str | list[str] | tuple[str, ...], position: int) -> Tagged:
        """Return an input as a row without tags: a text, or a list of its words.

        A text of several lines is a document, with a sentence in each line, where the model was
        trained on documents.

        Raises:
            RecurraError: it has no words, or what is none.
        """
        if isinstance(given, list | tuple):
            sentences = [[_word(word, position) for word in given]]
        else:
            text = checked(given, position)
            lines = text.splitlines() if self.documents else [text]
            sentences = [tokens for line in lines if (tokens := self.cut(line))]
        if not any(sentences):
            raise RecurraError(f"input {position} has no words; give a sentence")
        return one([Tagged(some, ["O"] * len(some), "") for some in sentences])

    def said(self, path: Sequence[int], row: Tagged) -> list[str]:
        """Return the tags of a path of classes; words beyond `max_length` are O."""
        tags = [self.tags[i] for i in path] + ["O"] * (len(row.tokens) - len(path))
        for start in row.starts[1:]:  # no entity goes on in the next sentence
            if tags[start].startswith("I-"):
                tags[start] = "B-" + tags[start][2:]
        return tags

    def files(self) -> dict[str, str]:
        """Return vocabularies and tags."""
        settings: dict[str, Any] = {"tags": self.tags, "max_length": self.max_length}
        settings |= {"documents": self.documents, "rare": self.rare}
        habit = {} if self.habit is None else {"habit.json": self.habit.to_json()}
        return {
            **habit,
            "words.json": self.words.to_json(),
            "letters.json": self.letters.to_json(),
            "tags.json": json.dumps(settings),
        }

    @classmethod
    def from_files(cls: type[C], files: Mapping[str, str]) -> C:
        """Return the codec that wrote these files."""
        vocabulary, letters = (
            Vocabulary.from_json(files[f"{name}.json"]) for name in ("words", "letters")
        )
        habit = Habit.from_json(files["habit.json"]) if "habit.json" in files else None
        return cls(vocabulary, letters, **json.loads(files["tags.json"]), habit=habit)


C = TypeVar("C", bound=Tags)


@dataclass(frozen=True)
class TagPrediction:
    """The tags of a sentence, and the entities that they mark: (text, type, first, last word)."""

    tokens: list[str]
    tags: list[str]
    entities: list[tuple[str, str, int, int]]

    def asdict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    def __str__(self) -> str:
        """Show the sentence with its entities in brackets."""
        shown = list(self.tokens)
        for _, kind, first, last in self.entities:
            shown[first] = "[" + shown[first]
            shown[last] += f" {kind}]"
        return " ".join(shown)


def spans(tokens: Sequence[str], tags: Sequence[str]) -> list[tuple[str, str, int, int]]:
    """Return the entities of IOB2 tags; an I- that continues nothing begins one."""
    found: list[tuple[str, str, int, int]] = []
    for i, tag in enumerate(tags):
        if tag == "O":
            continue
        kind = tag[2:]
        if tag[0] == "I" and found and found[-1][1] == kind and found[-1][3] == i - 1:
            text, _, first, _ = found[-1]
            found[-1] = (f"{text} {tokens[i]}", kind, first, i)
        else:
            found.append((tokens[i], kind, i, i))
    return found


def _word(word: str, position: int) -> str:
    """Return a word that can be read; as in files, it may be a blank that parts no columns."""
    other = isinstance(word, str) and word.isspace() and not set(word) <= set(" \t\r\n")
    return word if other else checked(word, position)
