"""What a graph's numbers say a number is likely to be, as `recurra.topologies` has it on torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recurra.codecs.forecast import LEVELS

Numbers = NDArray[np.float64]
LEAST_SCALE, MOST_FREEDOM = 1e-3, 1e4
HALVINGS, TERMS = 60, 300

_normal: Callable[[Any], Numbers] = np.vectorize(NormalDist().inv_cdf, otypes=[float])
_log_gamma: Callable[[Any], Numbers] = np.vectorize(math.lgamma, otypes=[float])


class Distribution(NamedTuple):
    """How the last axis of what a network says is read.

    Args:
        size: of that axis.
        middle: raw → the number that stands for it.
        losses: raw, y → −log p, where it has densities.
        at: raw, levels of one each → the numbers below which it is with this probability; None:
            there is nothing to draw from.
    """

    size: int
    middle: Callable[[Numbers], Numbers]
    losses: Callable[[Numbers, Numbers], Numbers] | None = None
    at: Callable[[Numbers, Numbers], Numbers] | None = None

    def quantiles(self, raw: Numbers, levels: Sequence[float] = LEVELS) -> Numbers:
        """Return the numbers [… levels] below which it is with these probabilities."""
        if self.at is None:  # they are what was learned, in order
            return np.sort(raw, -1)
        return np.stack([self.at(raw, np.full(raw.shape[:-1], one)) for one in levels], -1)


def _soft(raw: Numbers) -> Numbers:
    return np.logaddexp(0.0, raw)


def _gaussian_losses(raw: Numbers, y: Numbers) -> Numbers:
    scale = _soft(raw[..., 1]) + LEAST_SCALE
    z = (y - raw[..., 0]) / scale
    found: Numbers = np.log(scale) + 0.5 * z**2 + 0.5 * math.log(2 * math.pi)
    return found


def _gaussian_at(raw: Numbers, levels: Numbers) -> Numbers:
    found: Numbers = raw[..., 0] + (_soft(raw[..., 1]) + LEAST_SCALE) * _normal(levels)
    return found


def _student_losses(raw: Numbers, y: Numbers) -> Numbers:
    scale, freedom = _soft(raw[..., 1]) + LEAST_SCALE, 2 + _soft(raw[..., 2])
    z = (y - raw[..., 0]) / scale
    tail = 0.5 * (freedom + 1) * np.log1p(z**2 / freedom)
    norm = _log_gamma(0.5 * freedom) - _log_gamma(0.5 * (freedom + 1))
    found: Numbers = norm + 0.5 * np.log(math.pi * freedom) + np.log(scale) + tail
    return found


def _student_at(raw: Numbers, levels: Numbers) -> Numbers:
    """Return them by halving an interval of the distribution function."""
    freedom = np.minimum(2 + _soft(raw[..., 2]), MOST_FREEDOM)
    below = np.minimum(levels, 1 - levels)
    low, high = np.zeros_like(below), np.ones_like(below)
    while (outside := _tail(high, freedom) > below).any():
        low, high = np.where(outside, high, low), np.where(outside, 2 * high, high)
    for _ in range(HALVINGS):
        z = 0.5 * (low + high)
        outside = _tail(z, freedom) > below
        low, high = np.where(outside, z, low), np.where(outside, high, z)
    z = 0.5 * (low + high)
    found: Numbers = raw[..., 0] + (_soft(raw[..., 1]) + LEAST_SCALE) * np.where(
        levels < 0.5, -z, z
    )
    return found


def _tail(z: Numbers, freedom: Numbers) -> Numbers:
    """Return P(Z > z) for z ≥ 0: half of I_x(ν/2, ½) at x = ν / (ν + z²).

    The incomplete beta function by its continued fraction, https://dlmf.nist.gov/8.17.E22.
    """
    whole = freedom + z**2
    a, b, x, rest = 0.5 * freedom, np.full_like(z, 0.5), freedom / whole, z**2 / whole
    turned = x > (a + 1) / (a + b + 2)  # else it converges slowly
    a, b = np.where(turned, b, a), np.where(turned, a, b)
    x, rest = np.where(turned, rest, x), np.where(turned, x, rest)
    c, d = np.ones_like(x), 1 / (1 - (a + b) / (a + 1) * x)
    fraction = d.copy()
    for m in range(1, TERMS):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            c, d = 1 + step / c, 1 / (1 + step * d)
            fraction = fraction * c * d
        if (np.abs(c * d - 1) < 1e-15).all():
            break
    factor = _log_gamma(a + b) - _log_gamma(a) - _log_gamma(b)
    with np.errstate(divide="ignore"):  # of 0, whose power is 0
        powers = np.exp(factor + a * np.log(x) + b * np.log(rest))
    found: Numbers = powers * fraction / a
    return 0.5 * np.where(turned, 1 - found, found)


def _first(raw: Numbers) -> Numbers:
    return raw[..., 0]


def _median(raw: Numbers) -> Numbers:
    found: Numbers = np.sort(raw, -1)[..., LEVELS.index(0.5)]
    return found


DISTRIBUTIONS = {
    "gaussian": Distribution(2, _first, _gaussian_losses, _gaussian_at),
    "student_t": Distribution(3, _first, _student_losses, _student_at),
    "quantiles": Distribution(len(LEVELS), _median),
    "squared": Distribution(1, _first),
    "absolute": Distribution(1, _first),
}
