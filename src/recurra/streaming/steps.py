"""How rows of a stream are stepped: one signature for the library and for the layer itself."""

import ctypes
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from recurra.errors import RecurraError
from recurra.streaming.rows import Rows


class Ready(NamedTuple):
    """A call of the library that wants only where x and out lie, and what these must be.

    call(handle, frames, x, out) → code; x and out are contiguous float32 on the CPU.
    """

    call: Callable[..., int]
    handle: ctypes.c_void_p
    frames: ctypes.Structure
    x_shape: torch.Size
    x_bytes: int
    out_shape: torch.Size
    out_bytes: int
    out_like: Tensor


class Steps(ABC):
    """Weights, and the states of some rows."""

    name: str
    reason: str | None = None  # why it is not a quicker one, beside the library's

    @abstractmethod
    def step(self, rows: Rows, x: Tensor, out: Tensor | None) -> Tensor:
        """Return the outputs of rows, in `out` where it is given."""

    @abstractmethod
    def read(self, rows: Rows) -> Any:
        """Return a copy of the state of rows."""

    @abstractmethod
    def write(self, rows: Rows, state: Any) -> None:
        """Set the state of rows."""

    @abstractmethod
    def copy(self) -> "Steps":
        """Return steps of their own, with the weights and states that these have now."""

    def ready(self, rows: Rows) -> Ready | None:
        """Return a call that steps these rows, where there is a quicker one than `step`."""
        return None


class Closed(Steps):
    """Refuses everything."""

    name = "closed"

    def step(self, rows: Rows, x: Tensor, out: Tensor | None) -> Tensor:
        """Refuse."""
        raise self._error()

    def read(self, rows: Rows) -> Any:
        """Refuse."""
        raise self._error()

    def write(self, rows: Rows, state: Any) -> None:
        """Refuse."""
        raise self._error()

    def copy(self) -> Steps:
        """Return it: what is closed has no state."""
        return self

    def _error(self) -> RecurraError:
        return RecurraError("this stream is closed; make another one")
