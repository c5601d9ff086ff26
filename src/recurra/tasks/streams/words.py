"""Words that come, and the label of the text so far."""

from __future__ import annotations

from torch import nn

from recurra.codecs.streams.words import LabellingWords
from recurra.errors import RecurraError
from recurra.tasks.codecs.text import TextCodec
from recurra.tasks.streams.causal import so_far
from recurra.tasks.streams.classes import Classes
from recurra.topologies import ManyToOne


class SoFar(Classes, LabellingWords):
    """The label of a text so far, after each word.

    Args:
        network: that reads words one way.
        codec: its own.
    Raises:
        RecurraError: it waits for the end of a text.
    """

    def __init__(self, network: nn.Module, codec: TextCodec) -> None:
        if not isinstance(network, ManyToOne):
            raise RecurraError(
                "several networks answer together, and have no step; train one without "
                "--members and --bag"
            )
        super().__init__(codec)
        self.layer, self.embed, self.scores = so_far(network), network.embed, network.head
