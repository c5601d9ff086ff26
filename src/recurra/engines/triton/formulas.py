"""What the steps of real scans are made of: fields → decay and inject, and the gradient of that.

Fields are decay and inject of `affine`; z and candidate of `mingru`; f, i and candidate of
`minlstm`; v, r, i and the constant log σ(Λ)⁸ of `rglru`. The formulas are those of the cells.
"""

from typing import no_type_check

import triton
import triton.language as tl

TINY = tl.constexpr(1.17549435e-38)  # least normal float32


@triton.jit
@no_type_check  # Triton reads the source, which no wrapper may hide
def candidate(a):
    """Return g(a) = a + ½ where a ≥ 0, else σ(a)."""
    return tl.where(a >= 0, a + 0.5, tl.sigmoid(a))


@triton.jit
@no_type_check  # as above
def slope(a):
    """Return the slope of g."""
    return tl.where(a >= 0, 1.0, tl.sigmoid(a) * tl.sigmoid(-a))


@triton.jit
@no_type_check  # as above
def share(f, i):
    """Return f/(f + i) of two gates before σ.

    σ(a) = e^min(a, 0) / (1 + e^−|a|). Only the difference of the two exponents is formed, so the
    quotient stands where both gates are too small for a number.
    """
    exponent = tl.minimum(f, 0.0) - tl.minimum(i, 0.0)
    less = tl.exp(-tl.abs(exponent))
    of_f = (1.0 + tl.exp(-tl.abs(i))) * tl.where(exponent < 0, less, 1.0)
    of_i = (1.0 + tl.exp(-tl.abs(f))) * tl.where(exponent < 0, 1.0, less)
    return of_f / (of_f + of_i)


@triton.jit
@no_type_check  # as above
def rest(log_decay):
    """Return 1 − decay², at least the least number; near 1 by the series, where it would cancel."""
    x = 2.0 * log_decay
    series = 1.0 + x * (1 / 6 + x * (1 / 24 + x * (1 / 120 + x * (1 / 720 + x / 5040)))) * x
    series = -x * (series + 0.5 * x)
    decay = tl.exp(log_decay)
    return tl.maximum(tl.where(x > -0.34, series, 1.0 - decay * decay), TINY)


@triton.jit
@no_type_check  # as above
def decay_of(f0, f1, f3, CELL: tl.constexpr):
    """Return decay alone."""
    if CELL == "affine":
        decay = f0
    elif CELL == "mingru":
        decay = tl.sigmoid(-f0)
    elif CELL == "minlstm":
        decay = share(f0, f1)
    else:
        decay = tl.exp(f3 * tl.sigmoid(f1))
    return decay


@triton.jit
@no_type_check  # as above
def inject_of(f0, f1, f2, f3, CELL: tl.constexpr):
    """Return inject."""
    if CELL == "affine":
        inject = f1
    elif CELL == "mingru":
        inject = tl.sigmoid(f0) * candidate(f1)
    elif CELL == "minlstm":
        inject = share(f1, f0) * candidate(f2)
    else:
        inject = tl.sqrt(rest(f3 * tl.sigmoid(f1))) * tl.sigmoid(f2) * f0
    return inject


@triton.jit
@no_type_check  # as above
def gradients(f0, f1, f2, f3, g, before, CELL: tl.constexpr):
    """Return the gradients of all fields, of that of h and h of the step before."""
    d2, d3 = g, g
    if CELL == "affine":
        d0, d1 = g * before, g
    elif CELL == "mingru":
        opened = g * tl.sigmoid(f0)
        d0, d1 = opened * tl.sigmoid(-f0) * (candidate(f1) - before), opened * slope(f1)
    elif CELL == "minlstm":
        taken = g * share(f1, f0)
        through = taken * share(f0, f1) * (before - candidate(f2))
        d0, d1, d2 = through * tl.sigmoid(-f0), -through * tl.sigmoid(-f1), taken * slope(f2)
    else:
        r, i = tl.sigmoid(f1), tl.sigmoid(f2)
        left = rest(f3 * r)
        decay, root = tl.exp(f3 * r), tl.sqrt(left)
        # the root stands still where its argument is held at the least number
        of_root = tl.where(left > TINY, i * f0 * decay / root, 0.0)
        of_log = g * decay * (before - of_root)
        d0 = g * root * i
        d1, d2, d3 = of_log * f3 * r * tl.sigmoid(-f1), d0 * f0 * tl.sigmoid(-f2), of_log * r
    return d0, d1, d2, d3
