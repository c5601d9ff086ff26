"""Streams of the cells that the native library steps."""

from typing import Any

import torch
from torch import Tensor

from recurra import tree
from recurra.cells import Cell
from recurra.engines.native import stream
from recurra.errors import RecurraError
from recurra.layers import Layer, Recurrent, Stack
from recurra.streaming.rows import Rows


def plan(layer: Layer) -> tuple[list[Cell[Any]], str | None]:
    """Return the cells that a layer steps one after the other, or why the library cannot."""
    cells = list[Cell[Any]]()
    reason = _collect(layer, cells)
    return cells, reason or stream.refuse(cells)


def _collect(layer: Layer, cells: list[Cell[Any]]) -> str | None:
    # exactly these classes: one derived from them may differ anywhere
    if type(layer) is Stack:
        reasons = [_collect(part, cells) for part in layer.layers if isinstance(part, Layer)]
        return next(filter(None, reasons), None)
    if type(layer) is not Recurrent:
        return f"there is no native step of {type(layer).__name__}"
    if layer.engine not in (None, "native"):
        return f"a layer asks for the engine {layer.engine}"
    cells.append(layer.cell)
    return None


class NativeSteps:
    """A handle of the library: it has a copy of the weights, and the state of `capacity` rows."""

    def __init__(
        self, layer: Layer, cells: list[Cell[Any]], capacity: int, weights: str, threads: int
    ) -> None:
        self.inputs, self.outputs = layer.input_size, layer.output_size
        self._like, self._cells = layer.initial_state(1), cells
        self._handle = stream.open_stream(cells, capacity, weights, threads)
        self._call = stream.step_function()

    def step(self, rows: Rows, x: Tensor, out: Tensor | None) -> Tensor:
        """Return the outputs of rows, in `out` where it is given."""
        count, inputs, outputs = rows.count, self.inputs, self.outputs
        # this takes as long as the library does for small layers: no call that can be spared
        if (
            type(x) is Tensor
            and x.dtype is torch.float32
            and x.is_cpu
            and x.shape == (count, inputs)
            and x.is_contiguous()
        ):
            x_stride = inputs
        else:
            x_stride = _stride("x", x, count, inputs)
        if out is None:
            out = torch.empty((count, outputs), dtype=torch.float32, device="cpu")
            y_stride = outputs
        elif (
            type(out) is Tensor
            and out.dtype is torch.float32
            and out.is_cpu
            and out.shape == (count, outputs)
            and out.is_contiguous()
        ):
            y_stride = outputs
        else:
            y_stride = _stride("out", out, count, outputs)
        code = self._call(
            self._handle, count, rows.pointer, x.data_ptr(), x_stride, out.data_ptr(), y_stride
        )
        if code:
            stream.check(code)
        return out

    def read(self, rows: Rows) -> Any:
        """Return the state of rows."""
        leaves = list[Tensor]()
        for i, cell in enumerate(self._cells):
            h, *c = tree.leaves(cell.initial_state(rows.count))
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


def _stride(name: str, given: Tensor, count: int, size: int) -> int:
    """Return the distance between rows that need not touch, such as x[:, t] of a batch."""
    if not isinstance(given, Tensor):
        raise RecurraError(f"{name} is a {type(given).__name__}; give a torch.Tensor")
    fits = (
        given.dtype is torch.float32
        and given.device.type == "cpu"
        and given.layout is torch.strided
        and given.shape == (count, size)
        and (given.stride(1) == 1 or size == 1)
        and (given.stride(0) >= size or count < 2)
    )
    if not fits:
        raise RecurraError(
            f"{name} is {given.dtype} on {given.device}, {list(given.shape)}"
            + (f", strides {given.stride()}" if given.layout is torch.strided else ", not dense")
            + f"; this stream takes torch.float32 on cpu, {[count, size]}, each row in one piece"
        )
    return given.stride(0)
