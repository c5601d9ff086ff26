"""What is read of an input that is still coming, and what is told of it, without tensors."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from numpy.typing import NDArray

Memory = dict[str, Any]  # arrays of NumPy, numbers, texts, lists of these: of bounded size


@runtime_checkable
class Reading(Protocol):
    """What a session reads and tells, beside the state of its model."""

    def begin(self) -> Memory:
        """Return the memory of a session that begins."""
        ...

    def read(self, memory: Memory, given: Any) -> NDArray[Any]:
        """Return what is given as frames [time …]; there may be none yet.

        Args:
            memory: of the session; changed only where nothing is raised.
            given: one FRAME, of JSON, or an array of float32 that holds several.
        Raises:
            RecurraError: it cannot be read, and the text says why.
        """
        ...

    def rest(self, memory: Memory) -> NDArray[Any]:
        """Return the frames [time …] that were waiting for more input, at its end."""
        ...

    def say(self, memory: Memory, scores: NDArray[Any]) -> list[dict[str, Any]]:
        """Return the answers to the next steps [time …] of a session; `step` counts from 1.

        Where there is nothing new to tell of a step, it has none.
        """
        ...
