"""A text that goes on: how much each of its units surprises."""

from __future__ import annotations

from torch import Tensor

from recurra.codecs.streams.prose import Scoring
from recurra.tasks.codecs.prose import ProseCodec
from recurra.topologies.language_model import LanguageModel


class Surprises(Scoring):
    """How many bits each unit of a text carries, given all before it.

    Args:
        network: a language model.
        codec: its own.
    """

    def __init__(self, network: LanguageModel, codec: ProseCodec) -> None:
        super().__init__(codec.units)
        self.layer, self.embed, self.scores = network.body, network.embed, network.head

    def head(self, y: Tensor) -> Tensor:
        """Return log p of all units."""
        logits: Tensor = self.scores(y)
        return logits.log_softmax(-1)
