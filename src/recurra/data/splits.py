"""Examples in three parts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Any, Generic, TypeVar

import numpy as np

E = TypeVar("E")


@dataclass(frozen=True)
class Splits(Generic[E]):
    """Training, validation and test examples.

    Args:
        train: what is learned from.
        valid: what decides which weights are kept.
        test: what the result is measured on.
        skipped: how many rows were bad and left out.
        encoding: what as the recipe's `encoding` reads text files like these the same way.
        content: an example → what makes two of them duplicates; None: no two parts share any.
    """

    train: list[E]
    valid: list[E]
    test: list[E]
    skipped: int = 0
    encoding: str | None = None
    content: Callable[[E], str | bytes] | None = field(default=None, compare=False)

    @property
    def parts(self) -> list[list[E]]:
        """Return the three of them."""
        return [self.train, self.valid, self.test]

    @cached_property
    def digests(self) -> list[list[bytes]]:
        """Return a hash of each row of each part: of all it says, not of where it stands."""
        return [[_digest(example) for example in part] for part in self.parts]


def _digest(example: Any) -> bytes:
    *values, _ = example  # an example's last field is where it stands
    if all(isinstance(value, (str, int, list)) for value in values):
        # a list holds texts: such a repr is whole, unambiguous, and fast
        return blake2b(repr(values).encode("utf-8", "backslashreplace"), digest_size=16).digest()
    digest = blake2b(digest_size=16)
    for value in values:
        for piece in _pieces(value):
            digest.update(len(piece).to_bytes(8, "little"))
            digest.update(piece)
    return digest.digest()


def _pieces(value: Any) -> Iterator[bytes | memoryview]:
    if isinstance(value, np.ndarray):
        yield f"{value.dtype}{value.shape}".encode()
        # a view, not a copy: a text may be as large as the memory
        yield np.ascontiguousarray(value).reshape(-1).view(np.uint8).data
    elif hasattr(value, "dumps_midi"):
        yield value.dumps_midi()
    else:
        yield repr(value).encode("utf-8", "backslashreplace")
