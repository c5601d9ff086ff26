"""Speech that is heard: what is new of its text, and in which step."""

from __future__ import annotations

from torch import Tensor, nn

from recurra.codecs.streams.speech import Transcribing
from recurra.layers import Layer, Pointwise, Stack
from recurra.tasks.codecs.speech import SpeechCodec
from recurra.tasks.streams.causal import checked
from recurra.topologies import CTC


class Speech(Transcribing):
    """What is new of a transcript, by the best path: the likeliest symbol of each step.

    Args:
        network: that hears one way.
        codec: its own.
    Raises:
        RecurraError: it waits for the end of a recording.
    """

    def __init__(self, network: CTC, codec: SpeechCodec) -> None:
        super().__init__(codec)
        body, heard = checked(network.body), network.front.output_size
        self.layer: Layer = Stack(
            network.front, Pointwise(network.embed, heard, body.input_size), body
        )
        self.embed, self.scores = nn.Identity(), network.head

    def head(self, y: Tensor) -> Tensor:
        """Return each step's likeliest symbol."""
        symbols: Tensor = self.scores(y).argmax(-1)
        return symbols
