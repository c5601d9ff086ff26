"""Streams of any layer: the layer itself, given one frame at a time."""

import copy
from threading import Lock
from typing import Any

import torch
from torch import Tensor

from recurra import tree
from recurra.errors import InputError, InputTypeError, RecurraError
from recurra.inputs import impure
from recurra.layers import Layer
from recurra.streaming.rows import Rows
from recurra.streaming.steps import Steps


class LoopSteps(Steps):
    """A copy of a layer, in evaluation, and the state of `capacity` rows."""

    name = "loop"

    def __init__(self, layer: Layer, capacity: int, reason: str | None = None) -> None:
        self.reason = reason
        self.layer = frozen(layer)
        self.state = self.layer.initial_state(capacity)
        like = next(self.layer.parameters(), torch.empty(0))
        self.dtype, self.device = like.dtype, like.device
        self._used = Lock()

    def step(self, rows: Rows, x: Tensor, out: Tensor | None) -> Tensor:
        """Return the outputs of rows, in `out` where it is given."""
        place = self.dtype, self.device
        check("x", x, (rows.size, self.layer.input_size), *place)
        if out is not None:
            check("out", out, (rows.size, self.layer.output_size), *place)
        else:
            out = x.new_empty(rows.size, self.layer.output_size)
        if not self._used.acquire(blocking=False):
            raise RecurraError("another thread is using this stream")
        try:
            with torch.inference_mode():
                before = self.state if rows.whole else self._of(rows)
                y, after = self.layer(x[:, None], before)
                out.copy_(y[:, 0])
                self._put(rows, after)
        finally:
            self._used.release()
        return out

    def read(self, rows: Rows) -> Any:
        """Return the state of rows."""
        return tree.map(torch.clone, self._of(rows))

    def write(self, rows: Rows, state: Any) -> None:
        """Set the state of rows."""
        with torch.inference_mode():
            self._put(rows, tree.map(torch.clone, state))

    def copy(self) -> Steps:
        """Return steps of their own; neither the layer's copy nor a state is ever written."""
        made = copy.copy(self)
        made._used = Lock()
        return made

    def _of(self, rows: Rows) -> Any:
        places = rows.places.to(self.device)
        return tree.map(lambda leaf: leaf.index_select(0, places), self.state)

    def _put(self, rows: Rows, state: Any) -> None:
        if rows.whole:
            self.state = state
        else:
            places = rows.places.to(self.device)
            self.state = tree.map(
                lambda all, some: all.index_copy(0, places, some), self.state, state
            )


def check(
    name: str, given: Any, shape: tuple[int, int], dtype: torch.dtype, device: torch.device
) -> None:
    """Check what is given for the rows of a step.

    Raises:
        TypeError, ValueError: it is of another type, shape, place or layout.
    """
    if not isinstance(given, Tensor):
        raise InputTypeError(f"{name} is a {type(given).__name__}; give a torch.Tensor")
    if (
        (given.dtype, given.device) != (dtype, device)
        or given.shape != shape
        or given.layout is not torch.strided
    ):
        raise InputError(
            f"{name} is {given.dtype} on {given.device}, {list(given.shape)}, "
            f"{given.layout}; this stream takes {dtype} on {device}, {list(shape)}"
        )
    if reason := impure(given):
        raise InputError(f"{name} cannot be read: {reason}")


def frozen(layer: Layer) -> Layer:
    """Return a copy of a layer, in evaluation and without gradients.

    A weight that a hook has made of others is no leaf of the graph, and torch does not copy those.
    """
    made = {
        id(value): value.detach().clone()
        for module in layer.modules()
        for value in vars(module).values()
        if isinstance(value, Tensor) and value.grad_fn is not None
    }
    return copy.deepcopy(layer, made).eval().requires_grad_(False)
