"""What is said of an input while it comes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recurra.codecs.streams import Reading
from recurra.runtime.batches import softmax
from recurra.runtime.stream import Stream

Numbers = NDArray[Any]


class Live:
    """A session, as `recurra.Session` is one: it ends with what `predict` says of the whole.

    Args:
        stream: of one row.
        reading: what is read of the input, and told of it.
        head: what the graph says of steps [time scores] → what is told of [time …].
    """

    def __init__(
        self, stream: Stream, reading: Reading, head: Callable[[Numbers], Numbers]
    ) -> None:
        self.stream, self.reading, self._head = stream, reading, head
        self._initial = stream.state
        self._begin()

    def step(self, given: Any) -> list[dict[str, Any]]:
        """Take what comes next, as much as there is; return the answers that are known by it.

        Args:
            given: a text; a list of numbers, or of words where the model tags them; an array of
                floats. `docs/server.md` says what each task takes and tells.
        Raises:
            RecurraError: it cannot be read; the session stays where it was.
        """
        return self._told(self.reading.read(self.memory, given))

    def end(self) -> list[dict[str, Any]]:
        """Return the answers that were still waited for; then begin anew."""
        answers = self._told(self.reading.rest(self.memory))
        nothing = np.zeros(
            (self.stream.delay, *self.stream.place.shape[1:]), self.stream.place.dtype
        )
        answers += self._told(nothing, ended=True)
        self._begin()
        return answers

    def _begin(self) -> None:
        self.memory, self._late = self.reading.begin(), self.stream.delay
        self.stream.put(self._initial)

    def _told(self, frames: Numbers, *, ended: bool = False) -> list[dict[str, Any]]:
        flag = {"ended": np.array([ended])} if self.stream.delay else {}
        dtype = self.stream.place.dtype
        said = [self.stream.step(frame[None].astype(dtype), **flag) for frame in frames]
        late, self._late = self._late, max(self._late - len(said), 0)
        if len(said) <= late:
            return []
        return self.reading.say(self.memory, self._head(np.concatenate(said[late:])))


def probabilities(scores: Numbers) -> Numbers:
    """Return the probabilities of classes, to six digits."""
    found: Numbers = np.round(softmax(scores.astype(np.float64)), 6)
    return found
