"""Sound that comes in pieces of any length: whole frames go on, and what is left waits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recurra.codecs.streams import Memory, numbers
from recurra.data.readers.sound import LOUDEST, Samples
from recurra.errors import RecurraError

Frames = NDArray[np.float32]
SILENCE: Samples = np.zeros(0, np.float32)


def read(memory: Memory, given: Any, size: int) -> Frames:
    """Return the whole frames [time size] of the samples so far, full scale 1.

    Raises:
        RecurraError: they are no samples.
    """
    samples = numbers.taken(given)
    if samples.ndim != 1:
        raise RecurraError(f"a frame is {list(samples.shape)}; give samples of one channel")
    numbers.within(samples, LOUDEST, f"{LOUDEST:g}; full scale is 1")
    whole: Samples = np.concatenate([memory["samples"], samples.astype(np.float32)])
    ready = len(whole) // size * size
    memory["samples"] = whole[ready:].copy()  # a view would keep all of it
    return whole[:ready].reshape(-1, size)


def rest(memory: Memory, size: int) -> Frames:
    """Return the last frame, filled up with silence, if there is one."""
    waiting = memory["samples"]
    memory["samples"] = SILENCE
    padded: Frames = np.pad(waiting, (0, -len(waiting) % size))
    return padded.reshape(-1, size)
