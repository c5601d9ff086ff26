"""A sound that comes, as frames."""

from __future__ import annotations

from typing import Any

from recurra.codecs.sounds import Sounds
from recurra.codecs.streams import Memory, samples
from recurra.codecs.streams.classes import Labelling


class LabellingSounds(Labelling):
    """The label of a sound so far.

    Args:
        codec: of the model.
        rate: samples a second.
    """

    unit: str = "sample"
    says: str = "label"

    def __init__(self, codec: Sounds, rate: int) -> None:
        super().__init__(codec.labels)
        self.hop = codec.hop
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
