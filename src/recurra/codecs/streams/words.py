"""Words that come, as numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recurra.codecs.streams import Memory, text
from recurra.codecs.streams.classes import Labelling
from recurra.codecs.texts import LONGEST_TEXT, Texts

Numbers = NDArray[np.int64]


class LabellingWords(Labelling):
    """The label of a text so far, after each word.

    A word is read when a blank follows it.

    Args:
        codec: of the model.
    """

    unit: str = "word"
    says: str = "label"
    seconds: float | None = None

    def __init__(self, codec: Texts) -> None:
        super().__init__(codec.labels)
        self.codec = replace(codec, max_length=LONGEST_TEXT)  # a stream is as long as it is

    def begin(self) -> Memory:
        """Return the memory of a text of which nothing is known."""
        return {"step": 0, "waiting": "", "half": 0}

    def read(self, memory: Memory, given: Any) -> Numbers:
        """Return the words that are whole now."""
        whole, half = text.taken(memory, given)
        stop = text.last_part(whole)
        text.keep(memory, whole[stop:], half)
        return self._encoded(whole[:stop])

    def rest(self, memory: Memory) -> Numbers:
        """Return the word that nothing followed."""
        return self._encoded(text.left(memory))

    def _encoded(self, words: str) -> Numbers:
        found: Numbers = self.codec.numbers(words)
        return found
