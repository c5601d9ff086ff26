"""A sound that is heard: its label so far, after each step."""

from __future__ import annotations

from typing import Any

from recurra.tasks.codecs.sounds import SoundCodec
from recurra.tasks.streams import samples
from recurra.tasks.streams.causal import so_far
from recurra.tasks.streams.classes import Classes
from recurra.tasks.streams.streamed import Memory
from recurra.topologies import ManyToOne


class Sounds(Classes):
    """The label of a sound so far.

    Args:
        network: that hears one way.
        codec: its own.
        rate: samples a second.
    Raises:
        RecurraError: it waits for the end of a sound.
    """

    unit: str = "sample"
    says: str = "label"

    def __init__(self, network: ManyToOne, codec: SoundCodec, rate: int) -> None:
        super().__init__(network.head, codec.labels)
        self.layer, self.embed, self.hop = so_far(network), network.embed, codec.hop
        self.seconds: float | None = codec.hop / rate

    def begin(self) -> Memory:
        """Return the memory of silence."""
        return {"step": 0, "samples": samples.SILENCE}

    def read(self, memory: Memory, given: Any) -> samples.Frames:
        """Return the frames that are whole now."""
        return samples.read(memory, given, self.hop)

    def rest(self, memory: Memory) -> samples.Frames:
        """Return the last frame."""
        return samples.rest(memory, self.hop)
