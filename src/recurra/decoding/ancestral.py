"""Paths of a series into its future: what was drawn is read again, as far as one asks."""

from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from recurra.errors import InputError


@runtime_checkable
class Foreteller(Protocol):
    """A network that foretells `horizon` steps of a look-back, known numbers beside it."""

    horizon: int

    @property
    def draws(self) -> bool:
        """Whether there is something to draw from."""
        ...

    def sample(
        self, past: Tensor, known: Tensor, generator: torch.Generator | None = None, /
    ) -> Tensor:
        """Return one draw of each number to come."""
        ...

    def middle(self, past: Tensor, known: Tensor, /) -> Tensor:
        """Return the one number that stands for each to come."""
        ...


def paths(
    network: Foreteller,
    past: Float[Tensor, "batch past channels"],
    known: Float[Tensor, "batch time covariates"],
    horizon: int,
    count: int,
    generator: torch.Generator | None = None,
) -> Float[Tensor, "count batch horizon channels"]:
    """Return paths drawn by ancestral sampling, as far as `network.horizon` steps at once.

    Each look-back is one of those that training saw: the last steps, drawn ones among them, on
    their own scale. Salinas et al. 2020, https://arxiv.org/abs/1704.04110, section 3.1.

    Args:
        network: what foretells the next steps; where its output has nothing to draw from, one
            path of its middles is the answer for all.
        past: look-backs.
        known: covariates of look-back and horizon.
        horizon: steps of a path.
        count: paths of each row.
        generator: of the draws.
    Raises:
        ValueError: count or horizon is not positive, or `known` ends before the horizon.
    """
    for name, number in [("count", count), ("horizon", horizon)]:
        if number < 1:
            raise InputError(f"{name} is {number}; paths takes 1 or more")
    length, rows = past.shape[1], past.shape[0]
    if known.shape[1] != length + horizon:
        raise InputError(
            f"known has {known.shape[1]} steps; {length} of the past and {horizon} are needed"
        )
    draws = network.draws
    written = past.repeat(count if draws else 1, 1, 1)
    step = network.horizon
    # the last stretch may reach beyond the horizon, where nothing is known
    known = torch.nn.functional.pad(known, (0, 0, 0, -horizon % step))
    known = known.repeat(count if draws else 1, 1, 1)
    for begin in range(0, horizon, step):
        args = written[:, begin:], known[:, begin : begin + length + step]
        ahead = network.sample(*args, generator) if draws else network.middle(*args)
        written = torch.cat([written, ahead], 1)
    drawn: Tensor = written[:, length : length + horizon]
    drawn = drawn.reshape(-1, rows, horizon, drawn.shape[2])
    return drawn.expand(count, -1, -1, -1)
