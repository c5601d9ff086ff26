"""What becomes of a network's numbers where the answer is a number, not a class."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from recurra import inputs
from recurra.errors import InputError
from recurra.topologies.loss import Loss

LEAST_SCALE = 1e-3  # of a distribution: targets are scaled to a deviation of 1


class Distribution(nn.Module, ABC):
    """How `size` numbers of a network say what a number is likely to be.

    Exchangeable: a network's last layer has `size` outputs for each number that it foretells, and
    the distribution reads them along the last axis.
    """

    size: int
    draws: bool = True  # whether there is something to draw from

    def loss(
        self,
        raw: Float[Tensor, "*axes size"],
        y: Float[Tensor, "*axes"],
        live: Bool[Tensor, "*axes"] | None = None,
    ) -> Loss:
        """Return the loss, summed over what is live, and how many numbers that are.

        Args:
            raw: what the network says.
            y: the numbers that came; where they are not live, anything, NaN too.
            live: what counts; None: all that is not NaN.
        """
        self._check(raw)
        inputs.numbers(type(self).__name__, "y", y, tuple(raw.shape[:-1]), raw)
        if live is None:
            live = ~y.isnan()
        inputs.mask(type(self).__name__, live, tuple(y.shape))
        # before the loss, not after it: 0 times an infinite slope is no 0
        y = torch.where(live, y, self.middle(raw).detach())
        return Loss(torch.where(live, self.losses(raw, y), 0.0).sum(), live.sum())

    @abstractmethod
    def losses(
        self, raw: Float[Tensor, "*axes size"], y: Float[Tensor, "*axes"]
    ) -> Float[Tensor, "*axes"]:
        """Return the loss of each number."""

    @abstractmethod
    def middle(self, raw: Float[Tensor, "*axes size"]) -> Float[Tensor, "*axes"]:
        """Return the one number that stands for the distribution: its median or mean."""

    def quantile(
        self, raw: Float[Tensor, "*axes size"], levels: Sequence[float]
    ) -> Float[Tensor, "*axes levels"]:
        """Return the numbers below which the answer is with these probabilities.

        Raises:
            ValueError: a level is not between 0 and 1, or this distribution does not tell it.
        """
        self._check(raw)
        owner = type(self).__name__
        for level in levels:
            if not 0 < level < 1:
                raise InputError(f"level is {level}; {owner} takes levels between 0 and 1")
        return self._quantile(raw, torch.tensor(levels, dtype=raw.dtype, device=raw.device))

    @abstractmethod
    def _quantile(
        self, raw: Float[Tensor, "*axes size"], levels: Float[Tensor, "levels"]
    ) -> Float[Tensor, "*axes levels"]:
        """Return them, the levels being checked."""

    def sample(
        self, raw: Float[Tensor, "*axes size"], generator: torch.Generator | None = None
    ) -> Float[Tensor, "*axes"]:
        """Return one number drawn for each.

        Raises:
            ValueError: this distribution has nothing to draw from.
        """
        self._check(raw)
        uniform = torch.rand(
            raw.shape[:-1], dtype=torch.float64, device=raw.device, generator=generator
        )
        return self._at(raw, uniform.clamp(1e-12, 1 - 1e-12)).to(raw.dtype)

    def _at(
        self, raw: Float[Tensor, "*axes size"], levels: Float[Tensor, "*axes"]
    ) -> Float[Tensor, "*axes"]:
        raise InputError(
            f"{type(self).__name__} has nothing to draw from; take gaussian, student_t"
        )

    def _check(self, raw: Tensor) -> None:
        owner = type(self).__name__
        inputs.tensor(owner, "raw", raw)
        inputs.numbers(owner, "raw", raw, ("…",) * (raw.dim() - 1) + (self.size,), None)


def scale_of(raw: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
    """Return softplus(raw) and the least scale: so small numbers that losses explode are none."""
    return nn.functional.softplus(raw) + LEAST_SCALE
