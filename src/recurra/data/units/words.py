"""Words, and the ends of lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from typing import Any

import numpy as np

from recurra.data.units.base import FIRST, SPECIALS, UNKNOWN, Numbers, Units
from recurra.errors import BundleError

MOST = 2_000_000  # different words that are counted


class Words(Units):
    """What stands between blanks, as it is, and the end of a line (`<eos>`), which is a unit too.

    Args:
        words: those that have numbers.
    """

    name = "words"
    LINE = FIRST

    def __init__(self, words: Iterable[str]) -> None:
        self.words = tuple(words)
        if len(self._numbers) < len(self.words):
            raise BundleError("a word has two numbers")

    @classmethod
    def fit(cls, texts: Iterable[bytes], size: int) -> Words:
        """Return the most frequent words; equally frequent ones in their own order.

        Of very many different ones, those seen once so far are forgotten now and then.
        """
        counts: Counter[str] = Counter()
        for piece in texts:
            counts.update(piece.decode().split())
            if len(counts) > MOST:
                counts = Counter({word: count for word, count in counts.items() if count > 1})
        for special in SPECIALS:
            del counts[special]
        ranked = sorted(counts, key=lambda word: (-counts[word], word))
        return cls(ranked[: max(0, size - FIRST - 1)])

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {word: number for number, word in enumerate(self.words, self.LINE + 1)}

    def __len__(self) -> int:
        """Return how many there are."""
        return self.LINE + 1 + len(self.words)

    def encode(self, piece: bytes) -> Numbers:
        """Return the numbers of a text in UTF-8."""
        known = self._numbers
        found = []
        for i, line in enumerate(piece.decode().split("\n")):
            if i:
                found.append(self.LINE)
            found += [known.get(word, UNKNOWN) for word in line.split()]
        return np.array(found, np.int32)

    def spell(self, number: int) -> bytes:
        """Return what a unit writes: a word after a blank."""
        if number <= self.LINE:
            return (b"", b" <unk>", b"\n")[number]
        return b" " + self.words[number - self.LINE - 1].encode()

    def shown(self, text: str) -> list[str]:
        """Return its words, known or not."""
        lines = text.split("\n")
        return [w for i, line in enumerate(lines) for w in (["<eos>"] * (i > 0) + line.split())]

    def stored(self) -> Any:
        """Return the vocabulary as values of JSON."""
        return list(self.words)
