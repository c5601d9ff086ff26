"""Rows of different lengths, a batch of neighbours at a time; and what scores say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def pad(rows: Sequence[Array]) -> Array:
    """Return rows of different lengths as one array, batch first, with zeros beyond them."""
    padded = np.zeros((len(rows), max(map(len, rows)), *rows[0].shape[1:]), rows[0].dtype)
    for place, row in zip(padded, rows, strict=True):
        place[: len(row)] = row
    return padded


def lengths(rows: Sequence[Array]) -> NDArray[np.int64]:
    """Return the rows' lengths."""
    return np.array([len(row) for row in rows], np.int64)


def collect(
    rows: Sequence[Array], run: Callable[[list[Array]], Iterable[Any]], size: int = 64
) -> list[Any]:
    """Return what `run` says of each row, in their order; neighbours in length go together."""
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    found: list[Any] = [None] * len(rows)
    for start in range(0, len(order), size):
        some = order[start : start + size]
        for place, one in zip(some, run([rows[i] for i in some]), strict=True):
            found[place] = one
    return found


def softmax(scores: Array) -> Array:
    """Return e^s / Σ e^s over the last axis."""
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    found: Array = powers / powers.sum(-1, keepdims=True)
    return found


def log_softmax(scores: Array) -> NDArray[np.float64]:
    """Return log softmax over the last axis, in 64 bits."""
    wide = np.asarray(scores, np.float64)
    less = wide - wide.max(-1, keepdims=True)
    found: NDArray[np.float64] = less - np.log(np.exp(less).sum(-1, keepdims=True))
    return found
