"""A trained model that is stepped: what a frame is, and what is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from numpy.typing import NDArray
from torch import Tensor

from recurra.codecs.streams import Memory, Reading
from recurra.layers import Layer

__all__ = ["Memory", "Streamed", "Together"]


@runtime_checkable
class Streamed(Reading, Protocol):
    """A trained model, step by step; whoever steps it keeps state and memory of each session.

    What is given is read (`read`), embedded, goes through `layer` with the session's state, through
    `head`, and is told (`say`). `layer.delay` outputs are left out at a session's beginning; at its
    end what `rest` returns is stepped, and then as many frames of zeros, put in behind `embed`. So
    a session is told what `predict` says of its whole input.

    `embed` and `head` are called once for the rows of all sessions, on tensors; `read`, `rest` and
    `say` for each session, on arrays.

    What is read and told has a home of its own, `codecs/streams`, since it needs no tensors.

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

    def embed(self, frames: Tensor) -> Tensor:
        """Return what `layer` takes [rows time input] of frames [rows time …]."""
        ...

    def head(self, y: Tensor) -> Tensor:
        """Return what `say` needs [rows time …] of what `layer` says [rows time output]."""
        ...


@runtime_checkable
class Together(Protocol):
    """A `Streamed` that reads frames of many sessions at once: their memory does not count."""

    def together(self, given: Sequence[Any]) -> NDArray[Any] | None:
        """Return the frames [sessions 1 …] of one FRAME each; None: one of them is wrong."""
        ...
