"""A running text as numbers, and what a model says of one or writes, unit by unit."""

from __future__ import annotations

import codecs
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from recurra.codecs.texts import sound
from recurra.data import units as kinds
from recurra.data.passages import Passage
from recurra.data.spool import Spool
from recurra.data.units import END, Units, pieces
from recurra.errors import RecurraError


def units_of(files: Mapping[str, str]) -> Units:
    """Return the units that a bundle's files name."""
    stored = json.loads(files["units.json"])
    return kinds.of(stored["unit"], stored["vocabulary"])


def passage(text: str, position: int) -> Passage:
    """Return an input as a passage.

    Raises:
        RecurraError: it is no text, no Unicode, or too long.
    """
    return Passage(np.frombuffer(sound(text, position).encode(), np.uint8), "")


def scored(text: str, position: int, units: Units) -> NDArray[Any]:
    """Return the stream of a text whose surprise is asked for.

    Raises:
        RecurraError: it cannot be read, or there is nothing in it.
    """
    read = passage(text, position)
    if not text:
        raise RecurraError(f"input {position} is empty; give a text")
    found = stream(units, [read])
    if len(found) < 2:
        raise RecurraError(f"input {position} has no {units.name}; give a text")
    return found


def stream(units: Units, passages: Sequence[Passage]) -> NDArray[Any]:
    """Return `<end>` and then all texts in their order, an `<end>` between each two.

    In as few bytes a unit as there can be, and in memory that the system may take back.
    """
    few = len(units) <= 256
    spool = Spool(np.uint8 if few else np.int16 if len(units) <= 1 << 15 else np.int32)
    for one in passages:
        spool.add(np.array([END]))
        for piece in pieces(one.text):
            spool.add(units.encode(piece))
    return spool.close()


class Speller:
    """Puts units together as they come: half a character waits for its other half."""

    def __init__(self, units: Units) -> None:
        self.units = units
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def __call__(self, number: int) -> str:
        """Return the characters that are complete with this unit."""
        return self._decoder.decode(self.units.spell(number))

    def rest(self) -> str:
        """Return what stands for a character that was never completed."""
        return self._decoder.decode(b"", final=True)


@dataclass(frozen=True)
class ScoredText:
    """How much a text surprises a model: −log₂ p of each unit, given all before it.

    Args:
        text: what was read.
        tokens: its units.
        surprises: of each, in bits.
        bits_per_character: all of them, over the characters.
        perplexity: 2 to the mean surprise of a unit.
        unknown: how many units training never saw.
    """

    text: str
    tokens: list[str]
    surprises: list[float]
    unknown: int

    @property
    def bits_per_character(self) -> float:
        """Return the bits of all units, over the characters."""
        return sum(self.surprises) / len(self.text)

    @property
    def perplexity(self) -> float:
        """Return 2 to the mean surprise of a unit."""
        return math.exp(min(math.log(2) * sum(self.surprises) / len(self.surprises), 50.0))

    def asdict(self) -> dict[str, Any]:
        """Return plain values."""
        own = {"bits_per_character": self.bits_per_character, "perplexity": self.perplexity}
        return asdict(self) | own

    def __str__(self) -> str:
        """Show both figures, and the beginning of the text."""
        text = " ".join(self.text.split())
        text = text if len(text) <= 60 else text[:59] + "…"
        unknown = f"   ({self.unknown} unknown)" if self.unknown else ""
        figures = f"{self.bits_per_character:6.3f} bits per character"
        return f"{figures}   perplexity {self.perplexity:9.2f}   {text}{unknown}"


@dataclass(frozen=True)
class WrittenText:
    """What a model wrote after a prompt."""

    prompt: str
    text: str
    tokens: list[int]

    ending: ClassVar[str] = ".txt"

    def asdict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    def save(self, path: str | Path) -> Path:
        """Write prompt and text into a file."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{self}\n", encoding="utf-8")
        return path

    def __str__(self) -> str:
        """Show prompt and text."""
        return self.prompt + self.text
