"""Dropout: of each number, or of a row's features at every step."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from recurra import inputs

BITS = 16  # of randomness for each number


def check_rate(name: str, rate: float) -> float:
    """Return a dropout rate.

    Raises:
        ValueError: it is not in [0, 1).
    """
    if not 0 <= rate < 1:
        raise ValueError(f"{name} is {rate}; a dropout rate is at least 0 and below 1")
    return rate


def drop(x: Tensor, rate: float) -> Tensor:
    """Return x ⊙ m / (1 − rate), m ~ Bernoulli(1 − rate) for each number.

    Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html, section 4. On a CPU four
    numbers share a draw of 64 bits, a quarter of the time that torch takes: m's probability is
    rounded to 2⁻¹⁶ there.
    """
    span = 1 << BITS
    least = round(rate * span)
    exact = not x.is_cpu or not x.is_floating_point() or torch.compiler.is_compiling()
    if exact or inputs.transformed() or not 0 < least < span or not x.numel():
        return functional.dropout(x, rate)
    drawn = torch.empty(-(-x.numel() * BITS // 64), dtype=torch.int64).random_(-(1 << 63), None)
    bits = drawn.view(torch.int16)[: x.numel()].view(x.shape)
    kept = (bits >= least - span // 2).to(x.dtype)
    return x * kept.mul_(1 / (1 - rate))


class Dropout(nn.Dropout):
    """`drop` in training, with `torch.nn`'s name and place; in evaluation the identity.

    Args:
        p: share of numbers that are dropped.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return x with numbers dropped."""
        return drop(x, self.p) if self.training and self.p else x


class VariationalDropout(nn.Module):
    """Dropout with one mask per row, the same at every step of the call.

        y_t = m ⊙ x_t / (1 − rate)      m ~ Bernoulli(1 − rate), drawn once per row

    Gal and Ghahramani 2016, https://arxiv.org/abs/1512.05287, section 4.
    In evaluation it is the identity.

    Args:
        rate: share of features that are dropped.
    Raises:
        ValueError: rate is not in [0, 1).
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = check_rate("rate", rate)

    def forward(
        self, x: Float[Tensor, "batch time features"]
    ) -> Float[Tensor, "batch time features"]:
        """Return x with the same features of a row dropped at every step."""
        inputs.sequence("VariationalDropout", x, "features", None)
        if not self.training or self.rate == 0:
            return x
        return x * drop(x.new_ones(x.shape[0], 1, x.shape[2]), self.rate)

    def extra_repr(self) -> str:
        """Show the rate."""
        return f"{self.rate}"
