"""Pieces of words, learned from text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from recurra.data.units.base import FIRST, SPECIALS, Numbers, Units
from recurra.errors import BundleError, RecurraError

LEARNED = 64 << 20  # bytes of text that they are learned from


class Subwords(Units):
    """Pieces of words by byte-level byte-pair encoding: any text is spelled by them, exactly.

    Sennrich, Haddow and Birch 2016, https://aclanthology.org/P16-1162, algorithm 1, over bytes.

    Args:
        vocabulary: what each piece's number is, by the alphabet of `_letters`.
        merges: which two pieces become one, in their order.
    """

    name = "subwords"

    def __init__(self, vocabulary: dict[str, int], merges: Iterable[Iterable[str]]) -> None:
        from tokenizers import Tokenizer, models, pre_tokenizers

        self.vocabulary = vocabulary
        self.merges = [(a, b) for a, b in merges]
        self._spelled = {number: piece for piece, number in vocabulary.items()}
        if sorted(self._spelled) != list(range(len(vocabulary))):
            raise BundleError("the subwords' numbers are not 0, 1, 2 …")
        # built anew: as added tokens, the specials would be found in users' texts
        self._tokenizer = Tokenizer(models.BPE(vocabulary, self.merges))
        self._tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        self._bytes = {letter: byte for byte, letter in enumerate(_letters())}

    @classmethod
    def fit(cls, texts: Iterable[bytes], size: int) -> Subwords:
        """Return the pieces learned from the first 64 MiB of the texts.

        Raises:
            RecurraError: there must be room for the 256 bytes.
        """
        from tokenizers import Tokenizer, models, pre_tokenizers, trainers

        if size < FIRST + 256:
            raise RecurraError(
                f"vocabulary: received {size}; subwords need {FIRST + 256} or more, for every byte"
            )
        learner = Tokenizer(models.BPE())
        learner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        trainer = trainers.BpeTrainer(
            vocab_size=size,
            special_tokens=list(SPECIALS),
            initial_alphabet=sorted(_letters()),
            show_progress=False,
        )
        learner.train_from_iterator(_beginning(texts), trainer)
        model = json.loads(learner.to_str())["model"]
        return cls(model["vocab"], model["merges"])

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.vocabulary)

    def encode(self, piece: bytes) -> Numbers:
        """Return the numbers of a text in UTF-8."""
        return np.array(self._tokenizer.encode(piece.decode()).ids, np.int32)

    def spell(self, number: int) -> bytes:
        """Return what a unit writes."""
        piece = "" if number < FIRST else self._spelled[number]
        return bytes(self._bytes[letter] for letter in piece)

    def stored(self) -> Any:
        """Return the vocabulary as values of JSON."""
        return {"vocabulary": self.vocabulary, "merges": self.merges}


def _letters() -> list[str]:
    """Return the letter that stands for each byte: itself where it prints, else one from 256 on.

    The alphabet of the library's byte-level encoding, in the order of the bytes.
    """
    prints = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = iter(range(256, 512))
    return [chr(byte if byte in prints else next(others)) for byte in range(256)]


def _beginning(texts: Iterable[bytes]) -> Iterator[str]:
    read = 0
    for piece in texts:
        if read >= LEARNED:
            return
        read += len(piece)
        yield piece.decode()
