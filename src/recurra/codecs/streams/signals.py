"""A signal that comes row by row, as numbers on the model's scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recurra.codecs.signals import Signals
from recurra.codecs.streams import Memory, numbers
from recurra.codecs.streams.classes import Labelling
from recurra.data.readers.signal import counted
from recurra.errors import RecurraError

Numbers = NDArray[np.float32]
FAR = 1e9  # deviations from the training part's mean; float32 still has their squares


class LabellingSignals(Labelling):
    """The label of a signal so far, or of each of its steps.

    Args:
        codec: of the model.
    Raises:
        RecurraError: it waits for the end of a signal.
    """

    unit: str = "row"
    seconds: float | None = None

    def __init__(self, codec: Signals) -> None:
        if codec.own_scale:
            raise RecurraError(
                "this model scales each series by itself, and waits for its end; train one with "
                "--scale training"
            )
        super().__init__(codec.labels)
        self.says = "step" if codec.per_step else "label"
        self.codec, self.channels = codec, len(codec.channels)
        self.mean, self.deviation = np.array(codec.scale.mean), np.array(codec.scale.deviation)

    def begin(self) -> Memory:
        """Return the memory of a signal's beginning."""
        return {"step": 0}

    def read(self, memory: Memory, given: Any) -> Numbers:
        """Return rows of numbers on the model's scale; where some may miss, which are known."""
        missing = self.codec.missing
        values = numbers.taken(given, missing=missing)
        wide = values.ndim == 2 and values.shape[1] != self.channels
        if not values.size or values.size % self.channels or wide or values.ndim > 2:
            named = ", ".join(self.codec.channels[:8])
            have = counted(self.channels, "channel")
            raise RecurraError(
                f"a frame has {values.size:,} numbers; this model reads {have} a row: {named}"
            )
        scaled = (values.reshape(-1, self.channels) - self.mean) / self.deviation
        numbers.within(
            scaled,
            FAR,
            f"{FAR:g} deviations of the training part; give finite ones in its unit",
            missing=missing,
        )
        if missing:
            known = ~np.isnan(scaled)
            scaled = np.concatenate([np.where(known, scaled, 0.0), known], 1)
        found: Numbers = scaled.astype(np.float32)
        return found

    def together(self, given: Sequence[Any]) -> Numbers | None:
        """Return a row of each of many signals [signals 1 …]; None: one of them is wrong."""
        if not all(type(one) is list and len(one) == self.channels for one in given):
            return None
        try:
            return self.read({}, [number for one in given for number in one])[:, None]
        except RecurraError:
            return None

    def rest(self, memory: Memory) -> Numbers:
        """Return nothing: no row waits."""
        return np.zeros((0, self.codec.features), np.float32)
