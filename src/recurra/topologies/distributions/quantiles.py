"""Some quantiles, and nothing on what lies between and beyond them."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from recurra.errors import InputError
from recurra.topologies.distributions.base import Distribution

LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)


class Quantiles(Distribution):
    """The quantiles of each number at some levels, learned by the pinball loss.

        ℓ = 2/K Σ_k max(q_k (y − ŷ_k), (q_k − 1) (y − ŷ_k))

    Koenker and Bassett 1978, https://doi.org/10.2307/1913643. Twice the mean over the levels is an
    approximation of the continuous ranked probability score, and |y − ŷ| for the median alone.
    Quantiles that cross are put in order: Chernozhukov et al. 2010,
    https://doi.org/10.3982/ECTA7880. Between two levels they are interpolated.

    Args:
        levels: rising, between 0 and 1, with 0.5 among them.
    Raises:
        ValueError: they are not.
    """

    draws = False
    levels: Tensor

    def __init__(self, levels: Sequence[float] = LEVELS) -> None:
        super().__init__()
        told = list(levels)
        if 0.5 not in told or told != sorted(set(told)) or not 0 < told[0] <= told[-1] < 1:
            raise InputError(f"levels are {told}; Quantiles takes rising ones in (0, 1), 0.5 too")
        self.size = len(told)
        self.register_buffer("levels", torch.tensor(told, dtype=torch.float64), persistent=False)

    def losses(
        self, raw: Float[Tensor, "*axes size"], y: Float[Tensor, "*axes"]
    ) -> Float[Tensor, "*axes"]:
        """Return the pinball loss."""
        levels, error = self.levels.to(raw), y[..., None] - raw
        return 2 * torch.maximum(levels * error, (levels - 1) * error).mean(-1)

    def middle(self, raw: Float[Tensor, "*axes size"]) -> Float[Tensor, "*axes"]:
        """Return the median."""
        return raw.sort(-1).values[..., self.levels.tolist().index(0.5)]

    def _quantile(
        self, raw: Float[Tensor, "*axes size"], levels: Float[Tensor, "levels"]
    ) -> Float[Tensor, "*axes levels"]:
        own = self.levels.to(levels)
        if bool(((levels < own[0]) | (levels > own[-1])).any()):
            raise InputError(
                f"levels are {levels.tolist()}; these quantiles were learned from "
                f"{float(own[0]):g} to {float(own[-1]):g}"
            )
        raw = raw.sort(-1).values
        above = torch.searchsorted(own, levels).clamp(min=1, max=max(len(own) - 1, 1))
        if len(own) == 1:
            return raw.expand(*raw.shape[:-1], len(levels))
        share = (levels - own[above - 1]) / (own[above] - own[above - 1])
        return raw[..., above - 1] + share * (raw[..., above] - raw[..., above - 1])

    def extra_repr(self) -> str:
        """Show the levels."""
        return ", ".join(f"{level:g}" for level in self.levels.tolist())
