"""A normal distribution."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from recurra.topologies.distributions.base import Distribution, scale_of


class Gaussian(Distribution):
    """A normal distribution of each number: mean μ and deviation σ.

        ℓ = log σ + (y − μ)² / 2σ² + ½ log 2π        σ = softplus(s) + 0.001

    The loss is −log p(y), in nats. Salinas et al. 2020, https://arxiv.org/abs/1704.04110,
    equation 3.
    """

    size = 2

    def losses(
        self, raw: Float[Tensor, "*axes size"], y: Float[Tensor, "*axes"]
    ) -> Float[Tensor, "*axes"]:
        """Return −log p(y)."""
        scale = scale_of(raw[..., 1])
        z = (y - raw[..., 0]) / scale
        return scale.log() + 0.5 * z.square() + 0.5 * math.log(2 * math.pi)

    def middle(self, raw: Float[Tensor, "*axes size"]) -> Float[Tensor, "*axes"]:
        """Return μ."""
        return raw[..., 0]

    def _quantile(
        self, raw: Float[Tensor, "*axes size"], levels: Float[Tensor, "levels"]
    ) -> Float[Tensor, "*axes levels"]:
        quantiles: Tensor = raw[..., :1] + scale_of(raw[..., 1:]) * torch.special.ndtri(levels)
        return quantiles

    def _at(
        self, raw: Float[Tensor, "*axes size"], levels: Float[Tensor, "*axes"]
    ) -> Float[Tensor, "*axes"]:
        numbers: Tensor = raw[..., 0] + scale_of(raw[..., 1]) * torch.special.ndtri(levels)
        return numbers
