"""What goes into a graph: checked, or what it usually is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recurra.errors import InputError

KINDS = {"f": "fiu", "i": "iu", "u": "iu", "b": "b"}  # of numbers that another kind may hold


def checked(graph: str, value: Any, given: ArrayLike, sizes: dict[str, int]) -> NDArray[Any]:
    """Return an input as the graph takes it; note the sizes that have names.

    Raises:
        ValueError: it has other sizes, or holds other numbers.
    """
    wanted = np.dtype(value["type"])
    array = np.asarray(given)
    if array.dtype.kind not in KINDS[wanted.kind]:
        raise InputError(f"{value['name']} of {graph} holds {array.dtype}; it takes {wanted}")
    fits = array.ndim == len(value["sizes"])
    for size, there in zip(value["sizes"], array.shape, strict=False):
        fits &= there == (sizes.setdefault(size, there) if isinstance(size, str) else size)
    if not fits:
        raise InputError(
            f"{value['name']} of {graph} is {list(array.shape)}; it is {value['sizes']}"
            + (f", with {sizes}" if sizes else "")
        )
    return np.ascontiguousarray(array, wanted)


def usual(graph: str, value: Any, sizes: Mapping[str, int]) -> NDArray[Any]:
    """Return what an input is where it is not given.

    Raises:
        ValueError: it has to be given.
    """
    missing = InputError(f"{graph} needs its input {value['name']!r}: {value['means']}")
    try:
        shape = [sizes[size] if isinstance(size, str) else size for size in value["sizes"]]
        if "initial" in value:
            row = np.asarray(value["initial"], value["type"])
            return np.ascontiguousarray(np.broadcast_to(row, shape))
        if value["name"].endswith("lengths"):
            time = sizes["positions" if value["name"].startswith("source") else "time"]
            return np.full(shape, time, value["type"])
        if value["name"] == "ended":
            return np.zeros(shape, bool)
    except KeyError:
        raise missing from None
    raise missing


def empty(value: Any, sizes: Mapping[str, int]) -> NDArray[Any]:
    """Return zeros of a value's sizes."""
    shape = [sizes[size] if isinstance(size, str) else size for size in value["sizes"]]
    return np.zeros(shape, value["type"])
