"""A step of cells on one another by the native library, which keeps their weights and states."""

import ctypes
from collections.abc import Sequence
from ctypes import POINTER, byref, c_int, c_int64, c_void_p
from typing import Any
from weakref import finalize

import torch
from torch import Tensor

from recurra.cells import GRU, LSTM, Cell, Elman, IndRNN, MinGRU, MinLSTM
from recurra.engines import shapes
from recurra.engines.hooks import renew
from recurra.engines.native import library
from recurra.errors import InputError

FORMATS = ("float32", "float16", "bfloat16", "int8")  # as in recurra.h, as the cells are
ELMAN = {"tanh": 0, "relu": 1}
OTHERS: dict[type[Cell[Any]], int] = {GRU: 2, LSTM: 3, IndRNN: 4, MinGRU: 5, MinLSTM: 6}


class Layer(ctypes.Structure):
    """`recurra_layer`."""

    _fields_ = (
        ("cell", c_int),
        ("format", c_int),
        ("inputs", c_int64),
        ("width", c_int64),
        ("from_input", c_void_p),
        ("bias", c_void_p),
        ("from_state", c_void_p),
        ("within", c_void_p),
    )


class Frames(ctypes.Structure):
    """`recurra_frames`."""

    _fields_ = (
        ("count", c_int64),
        ("rows", c_void_p),
        ("x_stride", c_int64),
        ("y_stride", c_int64),
    )


class Handle(c_void_p):
    """A stream of the library. It is freed with this object, so never within a call that has it."""


def refuse(cells: Sequence[Cell[Any]]) -> str | None:
    """Return why the library cannot step these cells, or None."""
    for cell in cells:
        kind = type(cell).__name__
        if _number(cell) is None:
            return f"there is no native step of {kind}"
        renew(cell)
        if reason := shapes.misfit(cell, _unfit):
            return reason
    return library.missing()


def _unfit(weight: Tensor) -> str | None:
    if weight.dtype == torch.float32 and weight.device.type == "cpu":
        return None
    return (
        "native steps take weights of torch.float32 on cpu; "
        f"one is {weight.dtype} on {weight.device.type}"
    )


def open_stream(cells: Sequence[Cell[Any]], rows: int, weights: str, threads: int) -> Handle:
    """Return a stream of cells, each reading the one before it.

    Raises:
        InputError: a size is too large, there is too little memory, or a weight is not finite or
            too large for the kind of numbers.
    """
    layers, kept = (Layer * len(cells))(), []
    for i, cell in enumerate(cells):
        tensors = [part if part is None else part.detach().contiguous() for part in _parts(cell)]
        kept.append(tensors)  # until they are copied
        pointers = [part if part is None else part.data_ptr() for part in tensors]
        sizes = cell.input_size, cell.hidden_size
        layers[i] = Layer(_number(cell), FORMATS.index(weights), *sizes, *pointers)
    handle = Handle()
    opened = library.find("stream_open", c_void_p, c_int64, c_int64, c_int, c_void_p)
    check(opened(layers, len(cells), rows, threads, byref(handle)))
    return _closing(handle)


def copy_stream(handle: Handle) -> Handle:
    """Return a stream of its own, with the weights and states that this one has now.

    Raises:
        RecurraError: there is too little memory, or another thread is at it.
    """
    copy = Handle()
    check(library.find("stream_copy", c_void_p, c_void_p)(handle, byref(copy)))
    return _closing(copy)


def _closing(handle: Handle) -> Handle:
    finalize(handle, library.find("stream_close", c_void_p), handle.value)
    return handle


def step_function() -> Any:
    """Return recurra_stream_step: (handle, frames, x, y) → code."""
    return library.find("stream_step", c_void_p, POINTER(Frames), c_void_p, c_void_p)


def copy_state(
    handle: Handle, way: str, layer: int, rows: Tensor, h: Tensor | None, c: Tensor | None
) -> None:
    """Read (way "read") or write the state of rows in one layer; written as None it is zero."""
    copied = library.find(f"stream_{way}", c_void_p, c_int64, c_int64, c_void_p, c_void_p, c_void_p)
    pointers = [part if part is None else part.data_ptr() for part in (rows, h, c)]
    check(copied(handle, layer, len(rows), *pointers))


def check(code: int) -> None:
    """Raise the error of a code, where it is one."""
    if code:
        raise InputError(f"stream: {library.describe(code)}")


def _number(cell: Cell[Any]) -> int | None:
    """Return the library's number of exactly this class: one derived from it may differ."""
    return ELMAN[cell.nonlinearity] if type(cell) is Elman else OTHERS.get(type(cell))


def _parts(cell: Cell[Any]) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
    """Return from_input, bias, from_state, within; a hook may have made a weight no parameter."""
    # a cell's parts are of nn.Module's types: tensor or module
    shared: tuple[Tensor, Tensor] = (cell.from_input, cell.bias)  # type: ignore[assignment]
    if isinstance(cell, IndRNN):
        return *shared, None, cell.recurrence()
    if isinstance(cell, GRU):
        return *shared, cell.from_state, cell.state_bias
    if isinstance(cell, Elman | LSTM):
        return *shared, cell.from_state, None
    return *shared, None, None
