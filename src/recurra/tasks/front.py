"""What stands before the recurrent layers of a signal, and at their side."""

import math
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from recurra.layers import Beside, Convolution, Layer, Stack, zero_beyond

WIDTHS = (8, 5, 3)  # of Wang et al. 2017's three filter banks; more have the last one's


class Distortion(nn.Module):
    """Signals as they might have been as well: noisy, faster here and slower there.

    In evaluation it is the identity. Draws are torch's, as dropout's are.

        x̃(τ) = x(w(τ)) + noise · ε        ε ~ N(0, 1), τ ∈ [0, 1] along the row
        w(τ) = τ + s + a sin(πτ) / π + b sin(2πτ) / 2π
        s ~ U(−shift, shift), a, b ~ U(−warp/2, warp/2), a row

    As |a| + |b| < 1, time never runs backward; without a shift, both ends stay where they are.
    Where w leaves the row, its first or last step stands.

    Args:
        noise: deviation of what is added to each known number, on the scale that is read.
        warp: how much faster or slower at most, as a share.
        shift: how much earlier or later at most, as a share of the row.
        channels: of a step; those that follow say which numbers are known (1) or missing (0).
    """

    def __init__(self, noise: float, warp: float, shift: float, channels: int) -> None:
        super().__init__()
        self.noise, self.warp, self.shift, self.channels = noise, warp, shift, channels

    def forward(
        self,
        x: Float[Tensor, "batch time features"],
        lengths: Int[Tensor, "batch"] | None = None,
    ) -> Float[Tensor, "batch time features"]:
        """Return x distorted within each row's length."""
        if not self.training or x.shape[1] == 0:
            return x
        if self.warp or self.shift:
            x = self._bent(x, lengths)
        if self.noise:
            drawn = self.noise * torch.randn_like(x[..., : self.channels])
            known = x[..., self.channels :]
            drawn = drawn * known if known.shape[2] else drawn
            x = x + nn.functional.pad(drawn, (0, x.shape[2] - self.channels))
        return zero_beyond(x, lengths)

    def _bent(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        batch, time, _ = x.shape
        most = torch.tensor([self.warp, self.warp, 2 * self.shift], device=x.device)
        a, b, s = ((torch.rand(3, batch, 1, device=x.device) - 0.5) * most[:, None, None]).unbind()
        count = torch.full((batch,), time) if lengths is None else lengths
        last = (count.to(x.device).clamp(max=time) - 1).clamp(min=1)[:, None].float()
        share = torch.arange(time, device=x.device) / last
        bent = share + s + a * (math.pi * share).sin() / math.pi
        bent = bent + b * (2 * math.pi * share).sin() / (2 * math.pi)
        place = torch.minimum((bent * last).clamp(min=0), last)
        below = place.floor()
        between = (place - below)[..., None].to(x.dtype)
        index = below.long().clamp(max=time - 1)[..., None]
        above = (index + 1).clamp(max=time - 1)
        return torch.lerp(x.take_along_dim(index, 1), x.take_along_dim(above, 1), between)


class Front(Stack):
    """Distortion, then convolutions on one another; where there are none, each step alone is read.

    Args:
        features: of a step, as it is read.
        size: filters of each convolution.
        convolutions: how many.
        distortion: of what is read in training.
        dropout: between convolutions.
    """

    def __init__(
        self,
        features: int,
        size: int,
        convolutions: int,
        distortion: Distortion,
        dropout: float = 0.0,
    ) -> None:
        widths = _widths(convolutions) or [1]
        sizes = [features, *[size] * len(widths)]
        layers = map(Convolution, sizes, sizes[1:], widths)
        super().__init__(*layers, dropout=dropout)
        self.distortion = distortion

    def forward(
        self,
        x: Float[Tensor, "batch time input"],
        state: Any = None,
        *,
        lengths: Int[Tensor, "batch"] | None = None,
    ) -> tuple[Float[Tensor, "batch time output"], tuple[Any, ...]]:
        """Return the features of each step."""
        return super().forward(self.distortion(x, lengths), state, lengths=lengths)


def beside(recurrent: Layer, size: int, convolutions: int) -> Layer:
    """Return recurrent layers with so many convolutions on one another at their side.

    LSTM-FCN: Karim et al. 2018, https://arxiv.org/abs/1709.05206, figure 1, here of equal sizes and
    of any cell, and pooled as one sequence.
    """
    if not convolutions:
        return recurrent
    widths = _widths(convolutions)
    return Beside(recurrent, Stack(*(Convolution(size, size, width) for width in widths)))


def _widths(convolutions: int) -> list[int]:
    return [WIDTHS[min(i, len(WIDTHS) - 1)] for i in range(convolutions)]
