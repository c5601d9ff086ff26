"""Examples in three parts."""

from dataclasses import dataclass
from typing import Generic, TypeVar

E = TypeVar("E")


@dataclass(frozen=True)
class Splits(Generic[E]):
    """Training, validation and test examples; `skipped` rows were bad and left out."""

    train: list[E]
    valid: list[E]
    test: list[E]
    skipped: int = 0

    @property
    def parts(self) -> list[list[E]]:
        """Return the three of them."""
        return [self.train, self.valid, self.test]
