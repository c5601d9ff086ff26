"""A sound that is heard: its label so far, after each step."""

from __future__ import annotations

from recurra.codecs.streams.sounds import LabellingSounds
from recurra.tasks.codecs.sounds import SoundCodec
from recurra.tasks.streams.causal import so_far
from recurra.tasks.streams.classes import Classes
from recurra.topologies import ManyToOne


class Sounds(Classes, LabellingSounds):
    """The label of a sound so far.

    Args:
        network: that hears one way.
        codec: its own.
        rate: samples a second.
    Raises:
        RecurraError: it waits for the end of a sound.
    """

    def __init__(self, network: ManyToOne, codec: SoundCodec, rate: int) -> None:
        super().__init__(codec, rate)
        self.layer, self.embed, self.scores = so_far(network), network.embed, network.head
