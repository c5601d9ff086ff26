"""A sentence about an image."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

LONGEST_CAPTION = 60


@dataclass(frozen=True)
class Caption:
    """A sentence about an image, and its log probability."""

    image: str
    text: str
    score: float

    def asdict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    def __str__(self) -> str:
        """Show the sentence and the image's name."""
        return f"{self.text}   ({self.image})"
