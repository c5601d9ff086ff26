"""A session's memory as JSON and tensors, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from recurra.errors import RecurraError


def encode(value: Any, arrays: dict[str, Tensor]) -> Any:
    """Return what stands for a memory in JSON; arrays are put into `arrays`, by number.

    Every mapping is written as one key, which says whether it was a mapping or an array.

    Args:
        value: numbers, texts, None, arrays of NumPy; lists and mappings (by text) of these.
        arrays: filled.
    Raises:
        RecurraError: something else is in it.
    """
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufc":
        name = f"memory.{len(arrays)}"
        arrays[name] = torch.from_numpy(np.array(value, order="C"))  # a copy: it may be read-only
        return {"array": name}
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [encode(one, arrays) for one in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {"map": {key: encode(one, arrays) for key, one in value.items()}}
    raise RecurraError(f"a session's memory holds a {type(value).__name__}, which is not stored")


def decode(value: Any, arrays: Mapping[str, Tensor]) -> Any:
    """Return the memory that `encode` wrote.

    Raises:
        KeyError, TypeError, ValueError: it was written by something else.
    """
    if isinstance(value, list):
        return [decode(one, arrays) for one in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "array":
        return arrays[content].numpy().copy()
    if kind == "map":
        return {key: decode(one, arrays) for key, one in content.items()}
    raise ValueError(kind)


def alike(memory: Any, begun: Any) -> bool:
    """Return whether a memory may have grown out of one that began as `begun`.

    The names are the same; an array has the number type and the axes, and other values the type
    that they began with, unless that was None.
    """
    if isinstance(begun, np.ndarray):
        same = isinstance(memory, np.ndarray) and memory.dtype == begun.dtype
        return same and memory.ndim == begun.ndim
    if isinstance(begun, dict):
        return (
            isinstance(memory, dict)
            and memory.keys() == begun.keys()
            and all(alike(memory[key], begun[key]) for key in begun)
        )
    if begun is None:
        return True
    if isinstance(begun, int | float) and not isinstance(begun, bool):
        return isinstance(memory, int | float) and not isinstance(memory, bool)
    return isinstance(memory, list if isinstance(begun, list | tuple) else type(begun))
