"""What the steps of a native scan are made of: arrays, constants, and where their gradients go."""

import ctypes
from ctypes import c_int64, c_void_p
from typing import Any

import torch
from torch import Tensor

from recurra.errors import RecurraError

AFFINE, ROTATION, MINGRU, MINLSTM, RGLRU = range(5)  # as in recurra.h

Pair = tuple[Tensor | None, Tensor | None]


class Field(ctypes.Structure):
    """`recurra_field` and `recurra_gradient`, which have one layout."""

    _fields_ = (("at", c_void_p), ("stride", c_int64), ("constant", c_void_p))


def fields(*pairs: Pair) -> ctypes.Array[Any]:
    """Return the array of fields that a kernel takes.

    Args:
        pairs: of each field its lines [lines, width], and a constant [width] that is added to
            each of them, or, of a gradient, takes the sum of all. Either may be None. Lines may be
            columns of a wider array, or one line that stands for all.
    Raises:
        RecurraError: an array is of another dtype, device or layout.
    """
    array = (Field * len(pairs))(*(_field(lines, constant) for lines, constant in pairs))
    array.__dict__["pairs"] = pairs  # it points into their memory
    return array


def in_lines(array: Tensor) -> Tensor:
    """Return the same numbers with each line's side by side: itself, where they are so."""
    return array if _in_lines(array) else array.contiguous()


def _field(lines: Tensor | None, constant: Tensor | None) -> Field:
    for array in (lines, constant):
        if array is None:
            continue
        if array.dtype != torch.float32 or not array.is_cpu or not _in_lines(array):
            raise RecurraError(
                f"a field takes torch.float32 on cpu, columns side by side; got {array.dtype} "
                f"on {array.device}, strides {array.stride()}"
            )
    return Field(
        None if lines is None else lines.data_ptr(),
        0 if lines is None else lines.stride(0),
        None if constant is None else constant.data_ptr(),
    )


def _in_lines(array: Tensor) -> bool:
    return array.shape[-1] <= 1 or array.stride(-1) == 1
