"""What all kinds of units have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

SPECIALS = ("<end>", "<unk>")
END, UNKNOWN = range(2)  # between two texts, and before the first; what training never saw
FIRST = len(SPECIALS)
PIECE = 1 << 18  # bytes of a text that are looked at together

Text = NDArray[np.uint8]
Numbers = NDArray[np.int32]


def pieces(text: Text, size: int = PIECE) -> Iterator[bytes]:
    """Yield a text in UTF-8 in pieces: cut after a line, else before a space, else anywhere."""
    start = 0
    while start < len(text):
        stop = min(start + size, len(text))
        if stop < len(text):
            window = text[start:stop]
            lines, spaces = np.flatnonzero(window == 10), np.flatnonzero(window[1:] == 32)
            if len(lines):
                stop = start + int(lines[-1]) + 1
            elif len(spaces):
                stop = start + int(spaces[-1]) + 1
            else:
                while text[stop] & 0xC0 == 0x80:  # not within a character
                    stop -= 1
        yield text[start:stop].tobytes()
        start = stop


class Units(ABC):
    """A kind of unit: its vocabulary, and how a text is cut into it and put together.

    The first two numbers are `<end>` and `<unk>`, which no text can spell.
    """

    name: ClassVar[str]

    @abstractmethod
    def __len__(self) -> int:
        """Return how many there are."""

    @abstractmethod
    def encode(self, piece: bytes) -> Numbers:
        """Return the numbers of a text in UTF-8."""

    @abstractmethod
    def spell(self, number: int) -> bytes:
        """Return what a unit writes."""

    @abstractmethod
    def stored(self) -> Any:
        """Return the vocabulary as values of JSON."""

    def shown(self, text: str) -> list[str]:
        """Return the units of a text for people, one for each of its numbers."""
        spelled = (self.spell(int(number)) for number in self.encode(text.encode()))
        return [unit.decode("utf-8", "backslashreplace") for unit in spelled]
