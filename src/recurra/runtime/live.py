"""What is said of an input while it comes: words, samples or rows in, a label after each step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recurra.runtime.batches import softmax
from recurra.runtime.stream import Stream

Read = Callable[[Any, bool], tuple[NDArray[Any], Any]]


class Live:
    """A session: it ends with what `predict` says of the whole.

    Args:
        stream: of one row.
        labels: of the classes.
        read: what has come and still waits, whether it is the end → frames, and what waits on.
        nothing: what waits at the beginning.
    """

    def __init__(self, stream: Stream, labels: Sequence[str], read: Read, nothing: Any) -> None:
        self.stream, self.labels, self._read, self._waiting = stream, labels, read, nothing
        self._steps, self._late = 0, stream.delay

    def step(self, given: Any) -> list[dict[str, Any]]:
        """Take what comes next, as much as there is; return the answers that are known by it.

        Each is {"step": counted from 1, "label": …, "probabilities": {…}}, of the input so far.

        Raises:
            RecurraError: it cannot be read.
        """
        frames, self._waiting = self._read(self._joined(given), False)
        return [answer for frame in frames for answer in self._said(frame)]

    def end(self) -> list[dict[str, Any]]:
        """Return the answers that were still waited for; nothing comes after."""
        frames, self._waiting = self._read(self._waiting, True)
        answers = [answer for frame in frames for answer in self._said(frame)]
        nothing = np.zeros_like(self.stream.place)
        for _ in range(self.stream.delay):
            answers += self._said(nothing[0], ended=True)
        return answers

    def _joined(self, given: Any) -> Any:
        if isinstance(given, str):
            return self._waiting + given
        return np.concatenate([self._waiting, np.asarray(given, self._waiting.dtype)])

    def _said(self, frame: NDArray[Any], *, ended: bool = False) -> list[dict[str, Any]]:
        flag = {"ended": np.array([ended])} if self.stream.delay else {}
        p = softmax(self.stream.step(frame[None], **flag).astype(np.float64))[0]
        if self._late:
            self._late -= 1
            return []
        self._steps += 1
        told = {name: round(one, 6) for name, one in zip(self.labels, p.tolist(), strict=True)}
        return [{"step": self._steps, "label": self.labels[int(p.argmax())], "probabilities": told}]
