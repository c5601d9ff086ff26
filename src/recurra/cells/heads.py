"""Heads: equal parts of a hidden vector that do not see each other."""

import torch
from jaxtyping import Float
from torch import Tensor


def choose_heads(hidden_size: int, heads: int | None) -> int:
    """Return `heads`, or where it is None the largest of 4, 2, 1 that divides hidden_size.

    Raises:
        ValueError: heads does not divide hidden_size.
    """
    if heads is None:
        return next(count for count in (4, 2, 1) if hidden_size % count == 0)
    if heads < 1 or hidden_size % heads:
        raise ValueError(f"heads is {heads}; it must divide hidden_size, {hidden_size}")
    return heads


def block_linear(
    x: Float[Tensor, "*axes hidden"], weight: Float[Tensor, "gates heads size size"]
) -> Float[Tensor, "*axes outputs"]:
    """Return the gates' block-diagonal maps of x side by side: one [size size] block per head."""
    parts = torch.unflatten(x, -1, (weight.shape[1], weight.shape[2]))
    return torch.einsum("ghij,...hj->...ghi", weight, parts).flatten(-3)
