"""A trained model that is stepped: what a frame is, and what is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from numpy.typing import NDArray
from torch import Tensor

from recurra.layers import Layer

Memory = dict[str, Any]  # arrays of NumPy, numbers, texts, lists of these: of bounded size


@runtime_checkable
class Streamed(Protocol):
    """A trained model, step by step; whoever steps it keeps state and memory of each session.

    What is given is read (`read`), embedded, goes through `layer` with the session's state, through
    `head`, and is told (`say`). `layer.delay` outputs are left out at a session's beginning; at its
    end what `rest` returns is stepped, and then as many frames of zeros, put in behind `embed`. So
    a session is told what `predict` says of its whole input.

    `embed` and `head` are called once for the rows of all sessions, on tensors; `read`, `rest` and
    `say` for each session, on arrays.

    Attributes:
        layer: what has the state; it streams.
        unit: what a frame is, in a word: "word", "sample", "row".
        says: the kind of answer: "label", "tag", "step", "text", "alarm", "surprise", "notes".
        seconds: that a step lasts, where it is of sound; else None.
    """

    layer: Layer
    unit: str
    says: str
    seconds: float | None

    def begin(self) -> Memory:
        """Return the memory of a session that begins."""
        ...

    def read(self, memory: Memory, given: Any) -> NDArray[Any]:
        """Return what is given as frames [time …], as `embed` takes them; there may be none yet.

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

    def embed(self, frames: Tensor) -> Tensor:
        """Return what `layer` takes [rows time input] of frames [rows time …]."""
        ...

    def head(self, y: Tensor) -> Tensor:
        """Return what `say` needs [rows time …] of what `layer` says [rows time output]."""
        ...

    def say(self, memory: Memory, scores: NDArray[Any]) -> list[dict[str, Any]]:
        """Return the answers to the next steps [time …] of a session; `step` counts from 1.

        Where there is nothing new to tell of a step, it has none.
        """
        ...


@runtime_checkable
class Together(Protocol):
    """A `Streamed` that reads frames of many sessions at once: their memory does not count."""

    def together(self, given: Sequence[Any]) -> NDArray[Any] | None:
        """Return the frames [sessions 1 …] of one FRAME each; None: one of them is wrong."""
        ...
