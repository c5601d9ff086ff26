"""Nonlinearities of gates, in float32."""

from typing import no_type_check

import triton
import triton.language as tl


@triton.jit
@no_type_check  # Triton reads the source, which no wrapper may hide
def tanh(x):
    """Return tanh x: near 0 by its series, where 1 − e^−2|x| would lose digits."""
    size = tl.abs(x)
    e = tl.exp(-2 * size)
    far = (1 - e) / (1 + e)
    square = x * x
    series = 1 + square * (-1 / 3 + square * (2 / 15 + square * (-17 / 315 + square * (62 / 2835))))
    return tl.where(size < 0.25, x * series, tl.where(x < 0, -far, far))


@triton.jit
@no_type_check  # as above
def sigmoid(x):
    """Return σ(x); no power of e overflows."""
    e = tl.exp(-tl.abs(x))
    return tl.where(x < 0, e, 1.0) / (1 + e)


@triton.jit
@no_type_check  # as above
def log_sigmoid(x):
    """Return log σ(x) = min(x, 0) − log(1 + e), with e = e^−|x|, and its slope σ(−x).

    log(1 + e) = 2 artanh(e / (2 + e)), by its series, whose terms fall by a ninth or faster.
    """
    e = tl.exp(-tl.abs(x))
    s = e / (2 + e)
    square = s * s
    series = 2 / 11 + square * (2 / 13 + square * (2 / 15))
    series = 2 / 5 + square * (2 / 7 + square * (2 / 9 + square * series))
    series = 2 + square * (2 / 3 + square * series)
    return tl.where(x < 0, x, 0.0) - s * series, tl.where(x < 0, 1.0, e) / (1 + e)


@triton.jit
@no_type_check  # as above
def maximum(a, b):
    """Return the larger; NaN where one is NaN."""
    return tl.where((a > b) | (a != a), a, b)


@triton.jit
@no_type_check  # as above
def relu(x):
    """Return x, or 0 where it is negative; NaN stays."""
    return tl.where(x < 0, 0.0, x)
