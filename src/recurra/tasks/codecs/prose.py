"""A text as numbers, and what a model says of one or writes."""

from __future__ import annotations

import codecs
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Integer
from torch import Tensor

from recurra.data import units as kinds
from recurra.data.batch import Aligned, Continued
from recurra.data.passages import Passage
from recurra.data.spool import Spool
from recurra.data.units import END, Units, pieces
from recurra.tasks.evaluation import lengths, pad


@dataclass(frozen=True)
class ProseCodec:
    """Text to units.

    Args:
        units: characters, bytes, subwords or words.
    """

    units: Units
    _kept: dict[int, tuple[Sequence[Passage], Tensor]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def kept(self, passages: Sequence[Passage]) -> Integer[Tensor, " time"]:
        """Return their stream; of a part of a run, which is asked for again, it is made once."""
        if id(passages) not in self._kept:
            self._kept[id(passages)] = passages, self.stream(passages)
        return self._kept[id(passages)][1]

    def stream(self, passages: Sequence[Passage]) -> Integer[Tensor, " time"]:
        """Return `<end>` and then all texts in their order, an `<end>` between each two.

        In as few bytes a unit as there can be, and in memory that the system may take back.
        """
        few = len(self.units) <= 256
        spool = Spool(np.uint8 if few else np.int16 if len(self.units) <= 1 << 15 else np.int32)
        for passage in passages:
            spool.add(np.array([END]))
            for piece in pieces(passage.text):
                spool.add(self.units.encode(piece))
        return torch.from_numpy(spool.close())

    def encode(self, example: Passage) -> tuple[Tensor, Tensor]:
        """Return what is read at each step, and what follows it."""
        both = self.stream([example])
        return both[:-1], both[1:]

    def collate(self, items: Sequence[tuple[Tensor, ...]]) -> Aligned | Continued:
        """Return a padded batch; a row that begins anew reads `<end>` first, wherever it lies."""
        x, y, *fresh = zip(*items, strict=True)
        tokens, targets = pad(x).long(), pad(y).long()
        if not fresh:
            return Aligned(tokens, lengths(x), targets)
        begins = torch.stack(fresh[0])
        tokens[begins, 0] = END
        return Continued(tokens, lengths(x), targets, begins)

    def files(self) -> dict[str, str]:
        """Return the units' names."""
        return {
            "units.json": json.dumps(
                {"unit": self.units.name, "vocabulary": self.units.stored()}, ensure_ascii=False
            )
        }

    @classmethod
    def from_files(cls, files: Mapping[str, str]) -> ProseCodec:
        """Return the codec that wrote these files."""
        stored = json.loads(files["units.json"])
        return cls(kinds.of(stored["unit"], stored["vocabulary"]))


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


def spelled(units: Units, numbers: Sequence[int]) -> Iterator[str]:
    """Yield the characters that each unit completes."""
    speller = Speller(units)
    yield from map(speller, numbers)
    yield speller.rest()
