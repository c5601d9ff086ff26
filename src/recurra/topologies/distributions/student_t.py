"""A distribution with heavy tails: now and then a number lies far off."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from recurra.topologies.distributions.base import Distribution, scale_of

MOST_FREEDOM = 1e4  # as good as normal: quantiles differ by 1e-4 of a deviation
HALVINGS, TERMS = 60, 300


class StudentT(Distribution):
    """A Student t distribution of each number: place μ, scale σ, degrees of freedom ν.

        ℓ = −log Γ((ν+1)/2) + log Γ(ν/2) + ½ log πν + log σ + (ν+1)/2 log(1 + z²/ν)
        z = (y − μ) / σ    σ = softplus(s) + 0.001    ν = 2 + softplus(d)

    The loss is −log p(y), in nats; ν is above 2, so that the variance is finite. Alexandrov et al.
    2020, https://www.jmlr.org/papers/v21/19-820.html, whose `StudentTOutput` has the same ν and σ
    but for the least scale.
    """

    size = 3

    def losses(
        self, raw: Float[Tensor, "*axes size"], y: Float[Tensor, "*axes"]
    ) -> Float[Tensor, "*axes"]:
        """Return −log p(y)."""
        scale, freedom = scale_of(raw[..., 1]), _freedom(raw[..., 2])
        z = (y - raw[..., 0]) / scale
        tail = 0.5 * (freedom + 1) * torch.log1p(z.square() / freedom)
        norm = torch.lgamma(0.5 * freedom) - torch.lgamma(0.5 * (freedom + 1))
        return norm + 0.5 * (math.pi * freedom).log() + scale.log() + tail

    def middle(self, raw: Float[Tensor, "*axes size"]) -> Float[Tensor, "*axes"]:
        """Return μ."""
        return raw[..., 0]

    def _quantile(
        self, raw: Float[Tensor, "*axes size"], levels: Float[Tensor, "levels"]
    ) -> Float[Tensor, "*axes levels"]:
        shape = (*raw.shape[:-1], len(levels))
        return self._at(raw[..., None, :].expand(*shape, 3), levels.expand(shape)).to(raw.dtype)

    def _at(
        self, raw: Float[Tensor, "*axes size"], levels: Float[Tensor, "*axes"]
    ) -> Float[Tensor, "*axes"]:
        raw = raw.double()
        z = student_t_quantile(levels.double(), _freedom(raw[..., 2]))
        return raw[..., 0] + scale_of(raw[..., 1]) * z


def _freedom(raw: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
    return 2 + nn.functional.softplus(raw)


def student_t_quantile(
    levels: Float[Tensor, "*axes"], freedom: Float[Tensor, "*axes"]
) -> Float[Tensor, "*axes"]:
    """Return z with P(Z ≤ z) = level, by halving an interval of the distribution function."""
    freedom = freedom.clamp(max=MOST_FREEDOM)
    below = torch.minimum(levels, 1 - levels)
    low, high = torch.zeros_like(below), torch.ones_like(below)
    while bool((outside := _tail(high, freedom) > below).any()):
        low, high = torch.where(outside, high, low), torch.where(outside, 2 * high, high)
    for _ in range(HALVINGS):
        z = 0.5 * (low + high)
        outside = _tail(z, freedom) > below
        low, high = torch.where(outside, z, low), torch.where(outside, high, z)
    z = 0.5 * (low + high)
    return torch.where(levels < 0.5, -z, z)


def _tail(z: Tensor, freedom: Tensor) -> Tensor:
    """Return P(Z > z) for z ≥ 0: half of I_x(ν/2, ½) at x = ν / (ν + z²)."""
    whole = freedom + z.square()
    half = torch.full_like(z, 0.5)
    return 0.5 * _incomplete_beta(0.5 * freedom, half, freedom / whole, z.square() / whole)


def _incomplete_beta(a: Tensor, b: Tensor, x: Tensor, rest: Tensor) -> Tensor:
    """Return I_x(a, b) by its continued fraction, https://dlmf.nist.gov/8.17.E22 (Lentz's way).

    `rest` is 1 − x, exact where x is near 1.
    """
    turned = x > (a + 1) / (a + b + 2)  # else it converges slowly
    a, b = torch.where(turned, b, a), torch.where(turned, a, b)
    x, rest = torch.where(turned, rest, x), torch.where(turned, x, rest)
    c, d = torch.ones_like(x), 1 / (1 - (a + b) / (a + 1) * x)
    fraction = d.clone()
    for m in range(1, TERMS):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            c, d = 1 + step / c, 1 / (1 + step * d)
            fraction = fraction * c * d
        if bool(((c * d - 1).abs() < 1e-15).all()):
            break
    factor = torch.lgamma(a + b) - torch.lgamma(a) - torch.lgamma(b)
    found = (factor + torch.xlogy(a, x) + torch.xlogy(b, rest)).exp() * fraction / a
    return torch.where(turned, 1 - found, found)
