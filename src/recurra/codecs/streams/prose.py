"""A text that goes on, as units, and how much each of them surprises."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recurra.codecs.streams import Memory, text
from recurra.data.units import END, Subwords, Units, Words
from recurra.errors import RecurraError

Numbers = NDArray[np.int64]


class Scoring:
    """How many bits each unit of a text carries, given all before it.

    A unit is scored by what was said before it: the network reads the last one when the next one
    is there. Characters and bytes are units as they come; a word is one when a blank follows it,
    and subwords when the next word begins.

    Args:
        units: of the model.
    """

    unit: str = "unit"
    says: str = "surprise"
    seconds: float | None = None

    def __init__(self, units: Units) -> None:
        self.units = units

    def begin(self) -> Memory:
        """Return the memory of a text's beginning."""
        return {"step": 0, "waiting": "", "half": 0, "last": END, "asked": [], "shown": []}

    def read(self, memory: Memory, given: Any) -> Numbers:
        """Return the unit before each of those that are whole now.

        Raises:
            RecurraError: it is no text, or the memory is of another model.
        """
        # a state may come from outside, and what no table has would fail for all who are stepped
        if any(not 0 <= number < len(self.units) for number in (memory["last"], *memory["asked"])):
            raise RecurraError("this session's memory is of another model; begin a new session")
        whole, half = text.taken(memory, given)
        stop = self._certain(whole)
        text.keep(memory, whole[stop:], half)
        return self._shifted(memory, whole[:stop])

    def rest(self, memory: Memory) -> Numbers:
        """Return the unit before each of those that waited for more."""
        return self._shifted(memory, text.left(memory))

    def say(self, memory: Memory, scores: NDArray[Any]) -> list[dict[str, Any]]:
        """Return step, unit and bits of each."""
        count, step = len(scores), memory["step"]
        asked, shown = memory["asked"], memory["shown"]
        memory.update(step=step + count, asked=asked[count:], shown=shown[count:])
        bits = scores[np.arange(count), asked[:count]] / -math.log(2)
        return [
            {"step": number, "unit": unit, "bits": round(one, 6)}
            for number, (unit, one) in enumerate(
                zip(shown[:count], bits.tolist(), strict=True), step + 1
            )
        ]

    def _certain(self, whole: str) -> int:
        """Return up to where no more text changes what the units are."""
        if isinstance(self.units, Words):
            return text.last_part(whole)
        if isinstance(self.units, Subwords):  # blanks belong to what follows them
            return len(whole[: text.last_part(whole)].rstrip())
        return len(whole)

    def _shifted(self, memory: Memory, whole: str) -> Numbers:
        if not whole:
            return np.zeros(0, np.int64)
        numbers = self.units.encode(whole.encode()).tolist()
        read: Numbers = np.array([memory["last"], *numbers[:-1]], np.int64)[: len(numbers)]
        memory["last"] = numbers[-1] if numbers else memory["last"]
        memory["asked"] = memory["asked"] + numbers
        memory["shown"] = memory["shown"] + self.units.shown(whole)
        return read
