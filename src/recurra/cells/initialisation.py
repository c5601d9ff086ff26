"""Initial weights that let a gradient through: orthogonal recurrence, chrono biases."""

import math

import torch
from torch import Tensor, nn


def linear(weight: Tensor) -> None:
    """Fill an input weight [out in] by U(−1/√in, 1/√in), the convention of `nn.Linear`."""
    bound = 1 / math.sqrt(weight.shape[1])
    nn.init.uniform_(weight, -bound, bound)


def orthogonal_blocks(weight: Tensor) -> None:
    """Fill a recurrent weight [gates·hidden hidden] by one orthogonal matrix per gate.

    Saxe et al. 2014, https://arxiv.org/abs/1312.6120, section 3.
    """
    for block in torch.split(weight.detach(), weight.shape[1]):
        nn.init.orthogonal_(block)


def spread(size: int) -> Tensor:
    """Return forget-gate biases whose time scales lie evenly on a logarithmic axis.

        b_f = U(0, log 99)      1/(1 − σ(b_f)): 2 to 100 steps, as many below 14 as above

    For a longest dependency that nobody has told: half of the units stay quick.
    """
    return torch.empty(size).uniform_(0, math.log(99))


def chrono(size: int, time_scale: float) -> Tensor:
    """Return forget-gate biases whose time scales lie evenly in [1, time_scale − 1].

        b_f = log U(1, T_max − 1)      (the input gate takes −b_f)

    Tallec and Ollivier 2018, https://arxiv.org/abs/1804.11188, section 2.

    Args:
        size: how many biases.
        time_scale: T_max, the longest dependency expected, in steps.
    Raises:
        ValueError: time_scale is below 2 steps.
    """
    if time_scale < 2:
        raise ValueError(f"time_scale is {time_scale}; it is a number of steps, at least 2")
    return torch.empty(size).uniform_(1, max(time_scale - 1, 1 + 1e-6)).log()
