"""Examples in three parts."""

from dataclasses import dataclass
from typing import Generic, TypeVar

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
    """

    train: list[E]
    valid: list[E]
    test: list[E]
    skipped: int = 0
    encoding: str | None = None

    @property
    def parts(self) -> list[list[E]]:
        """Return the three of them."""
        return [self.train, self.valid, self.test]
