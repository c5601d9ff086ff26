"""Initial weights that let a gradient through: orthogonal recurrence, chrono biases."""

import math
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from recurra.cells.base import Cell, Draw
from recurra.errors import InputError


def linear(weight: Tensor) -> None:
    """Fill an input weight [out in] by U(−1/√in, 1/√in), the convention of `nn.Linear`."""
    bound = 1 / math.sqrt(weight.shape[1])
    nn.init.uniform_(weight, -bound, bound)


def orthogonal_blocks(weight: Tensor) -> None:
    """Fill a recurrent weight [gates·hidden hidden] by one orthogonal matrix per gate (and head).

    Saxe et al. 2014, https://arxiv.org/abs/1312.6120, section 3.
    """
    for block in square_blocks(weight):
        nn.init.orthogonal_(block)


def square_blocks(weight: Tensor) -> tuple[Tensor, ...]:
    """Return the square matrices of a recurrent weight: of its gates, of their heads."""
    size = weight.shape[-1]
    return torch.split(weight.detach().view(-1, size), size)


def spread(size: int) -> Tensor:
    """Return forget-gate biases whose time scales lie evenly on a logarithmic axis.

        b_f = U(0, log 99)      1/(1 − σ(b_f)): 2 to 100 steps, as many below 14 as above

    For a longest dependency that nobody has told: half of the units stay quick.
    """
    return torch.empty(size).uniform_(0, math.log(99))


def chrono(size: int, time_scale: int | float) -> Tensor:
    """Return forget-gate biases whose time scales lie evenly in [1, time_scale − 1].

        b_f = log U(1, T_max − 1)      (the input gate takes −b_f)

    Tallec and Ollivier 2018, https://arxiv.org/abs/1804.11188, section 2.

    Args:
        size: how many biases.
        time_scale: T_max, the longest dependency expected, in steps.
    Raises:
        ValueError: time_scale is below 2 steps.
    """
    if not time_scale >= 2:
        raise InputError(f"time_scale is {time_scale}; it is a number of steps, at least 2")
    return torch.empty(size).uniform_(1, max(time_scale - 1, 1 + 1e-6)).log()


def ring(
    size: int, min_radius: float, max_radius: float, max_phase: float
) -> tuple[Tensor, Tensor]:
    """Return −log |λ| and arg λ of eigenvalues that lie evenly on a ring.

        |λ|² = U(min_radius², max_radius²)      arg λ = U(0, max_phase)

    Orvieto et al. 2023, https://arxiv.org/abs/2303.06349, lemma 3.2. The ends of the ring are
    left out: there the logarithms of a decay's rate, and of its rest, are infinite.

    Raises:
        ValueError: there is no such ring.
    """
    if not (0 <= min_radius < max_radius <= 1 and 0 < max_phase < math.inf):
        raise InputError(
            f"min_radius, max_radius, max_phase are {min_radius}, {max_radius}, {max_phase}; "
            "they need 0 ≤ min_radius < max_radius ≤ 1 and max_phase > 0"
        )
    squared = torch.empty(size).uniform_(min_radius**2, max_radius**2)
    return -squared.clamp(1e-6, 1 - 1e-6).log() / 2, max_phase * (1 - torch.rand(size))


def start_gates(cell: Cell[Any], time_scale: float | None, usual: Draw = torch.ones) -> None:
    """Start a new cell's forget gates by `chrono` where a time scale is given, or as is usual.

    Raises:
        ValueError: time_scale is below 2 steps.
    """
    if time_scale is None:
        cell.remember(usual)
    else:
        cell.remember(partial(chrono, time_scale=time_scale), opposed=True)
