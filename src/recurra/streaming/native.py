"""Streams of the cells that the native library steps."""

import copy
from typing import Any

import torch
from torch import Tensor, nn

from recurra import tree
from recurra.cells import Cell
from recurra.engines.hooks import renews
from recurra.engines.native import stream
from recurra.errors import InputError, InputTypeError
from recurra.inputs import impure
from recurra.layers import Layer, Recurrent, Stack
from recurra.streaming.rows import Rows
from recurra.streaming.steps import Ready, Steps


def plan(layer: Layer) -> tuple[list[Cell[Any]], str | None]:
    """Return the cells that a layer steps one after the other, or why the library cannot."""
    cells = list[Cell[Any]]()
    reason = _collect(layer, cells)
    return cells, reason or stream.refuse(cells)


def _collect(layer: Layer, cells: list[Cell[Any]]) -> str | None:
    # exactly these classes: one derived from them may differ anywhere
    if not is_plain(layer):
        return f"a {type(layer).__name__} has hooks, and a native step does not call it"
    if type(layer) is Stack:
        reasons = [_collect(part, cells) for part in layer.layers if isinstance(part, Layer)]
        return next(filter(None, reasons), None)
    if type(layer) is not Recurrent:
        return f"there is no native step of {type(layer).__name__}"
    if layer.engine not in (None, "native"):
        return f"a layer asks for the engine {layer.engine}"
    if not is_plain(layer.cell):
        return f"{type(layer.cell).__name__} has hooks, and a native step does not call it"
    cells.append(layer.cell)
    return None


def is_plain(module: nn.Module) -> bool:
    """Return whether a module has no hooks, but for those that only renew a weight."""
    before = module._forward_pre_hooks.values()
    return not module._forward_hooks and all(renews(hook) for hook in before)


class NativeSteps(Steps):
    """A handle of the library: it has a copy of the weights, and the state of `capacity` rows."""

    name = "native"

    def __init__(
        self, layer: Layer, cells: list[Cell[Any]], capacity: int, weights: str, threads: int
    ) -> None:
        self.inputs, self.outputs = layer.input_size, layer.output_size
        self._like, self._cells = layer.initial_state(1), cells
        self._handle = stream.open_stream(cells, capacity, weights, threads)
        self._call = stream.step_function()

    def ready(self, rows: Rows) -> Ready:
        """Return the call for these rows."""
        frames = self._frames(rows, self.inputs, self.outputs)
        like = torch.empty(rows.size, self.outputs, dtype=torch.float32, device="cpu")
        x_shape = torch.Size((rows.size, self.inputs))
        sizes = x_shape, 4 * x_shape.numel(), like.shape, 4 * like.shape.numel()
        return Ready(self._call, self._handle, frames, *sizes, like)

    def copy(self) -> Steps:
        """Return steps of their own: weights and states are copied within the library."""
        made = copy.copy(self)
        made._handle = stream.copy_stream(self._handle)
        return made

    def step(self, rows: Rows, x: Tensor, out: Tensor | None) -> Tensor:
        """Return the outputs of rows, in `out` where it is given."""
        if out is None:
            out = torch.empty(rows.size, self.outputs, dtype=torch.float32, device="cpu")
        frames = self._frames(
            rows,
            _stride("x", x, (rows.size, self.inputs)),
            _stride("out", out, (rows.size, self.outputs)),
        )
        stream.check(self._call(self._handle, frames, x.data_ptr(), out.data_ptr()))
        return out

    def _frames(self, rows: Rows, x_stride: int, out_stride: int) -> stream.Frames:
        places = None if rows.whole else rows.places.data_ptr()
        return stream.Frames(rows.size, places, x_stride, out_stride)

    def read(self, rows: Rows) -> Any:
        """Return the state of rows."""
        leaves = list[Tensor]()
        for i, cell in enumerate(self._cells):
            h, *c = tree.leaves(cell.initial_state(rows.size))
            stream.copy_state(self._handle, "read", i, rows.places, h, c[0] if c else None)
            leaves += [h, *c]
        return tree.unflatten(self._like, leaves)

    def write(self, rows: Rows, state: Any) -> None:
        """Set the state of rows."""
        leaves = iter(tree.leaves(state))
        for i, cell in enumerate(self._cells):
            count = len(cell.initial_state(1))
            h, *c = (next(leaves).contiguous() for _ in range(count))
            stream.copy_state(self._handle, "write", i, rows.places, h, c[0] if c else None)


def _stride(name: str, given: Tensor, shape: tuple[int, int]) -> int:
    """Return the distance between rows, which need not touch: x[:, t] of a batch does as well."""
    count, size = shape
    if not isinstance(given, Tensor):
        raise InputTypeError(f"{name} is a {type(given).__name__}; give a torch.Tensor")
    fits = (
        given.dtype is torch.float32
        and given.device.type == "cpu"
        and given.layout is torch.strided
        and given.shape == shape
        and (given.stride(1) == 1 or size == 1)
        and (given.stride(0) >= size or count < 2)
    )
    if not fits:
        raise InputError(
            f"{name} is {given.dtype} on {given.device}, {list(given.shape)}, "
            + (f"strides {given.stride()}" if given.layout is torch.strided else "not dense")
            + f"; this stream takes torch.float32 on cpu, {[count, size]}, each row in one piece"
        )
    if reason := impure(given):
        raise InputError(f"{name} cannot be read: {reason}")
    return given.stride(0)
