"""Words that come, and the label of the text so far."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from recurra.codecs.texts import LONGEST_TEXT
from recurra.data.readers.tabular import TextLabel
from recurra.errors import RecurraError
from recurra.tasks.codecs.text import TextCodec
from recurra.tasks.streams import text
from recurra.tasks.streams.causal import so_far
from recurra.tasks.streams.classes import Classes
from recurra.tasks.streams.streamed import Memory
from recurra.topologies import ManyToOne

Numbers = NDArray[np.int64]


class SoFar(Classes):
    """The label of a text so far, after each word.

    A word is read when a blank follows it.

    Args:
        network: that reads words one way.
        codec: its own.
    Raises:
        RecurraError: it waits for the end of a text.
    """

    unit: str = "word"
    says: str = "label"
    seconds: float | None = None

    def __init__(self, network: nn.Module, codec: TextCodec) -> None:
        if not isinstance(network, ManyToOne):
            raise RecurraError(
                "several networks answer together, and have no step; train one without "
                "--members and --bag"
            )
        super().__init__(network.head, codec.labels)
        self.layer, self.embed = so_far(network), network.embed
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
        found: Numbers = self.codec.encode(TextLabel(words, "", ""))[0].numpy()
        return found
