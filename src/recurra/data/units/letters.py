"""Characters, and bytes."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recurra.data.units.base import FIRST, UNKNOWN, Numbers, Units
from recurra.errors import BundleError


class Bytes(Units):
    """The 256 bytes of UTF-8: nothing is unknown."""

    name = "bytes"

    def __len__(self) -> int:
        """Return how many there are."""
        return FIRST + 256

    def encode(self, piece: bytes) -> Numbers:
        """Return the numbers of a text in UTF-8."""
        return np.frombuffer(piece, np.uint8).astype(np.int32) + FIRST

    def spell(self, number: int) -> bytes:
        """Return what a unit writes."""
        return bytes([number - FIRST]) if number >= FIRST else b""

    def stored(self) -> Any:
        """Return nothing: they are the same everywhere."""
        return None


class Characters(Units):
    """The characters that training saw.

    Args:
        characters: each of them once.
    """

    name = "characters"

    def __init__(self, characters: str) -> None:
        self.characters = characters
        if len(set(characters)) < len(characters):
            raise BundleError("a character has two numbers")

    @classmethod
    def fit(cls, texts: Iterable[bytes], size: int) -> Characters:
        """Return the most frequent characters, by their code points."""
        counts = np.zeros(0x110000, np.int64)
        for piece in texts:
            found = np.bincount(_points(piece))
            counts[: len(found)] += found
        order = np.argsort(-counts, kind="stable")[: max(0, size - FIRST)]
        return cls("".join(map(chr, sorted(order[counts[order] > 0].tolist()))))

    @cached_property
    def _numbers(self) -> Numbers:
        table = np.full(0x110000, UNKNOWN, np.int32)
        table[[ord(c) for c in self.characters]] = range(FIRST, len(self))
        return table

    def __len__(self) -> int:
        """Return how many there are."""
        return FIRST + len(self.characters)

    def encode(self, piece: bytes) -> Numbers:
        """Return the numbers of a text in UTF-8."""
        return self._numbers[_points(piece)]

    def spell(self, number: int) -> bytes:
        """Return what a unit writes."""
        if number < FIRST:
            return "\ufffd".encode() if number == UNKNOWN else b""
        return self.characters[number - FIRST].encode()

    def shown(self, text: str) -> list[str]:
        """Return its characters, known or not."""
        return list(text)

    def stored(self) -> Any:
        """Return the vocabulary as values of JSON."""
        return self.characters


def _points(piece: bytes) -> NDArray[np.uint32]:
    return np.frombuffer(piece.decode().encode("utf-32-le"), "<u4")
