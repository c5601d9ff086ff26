"""Each row on a scale of its own, which is taken back from what is foretold."""

from typing import Literal, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from recurra import inputs
from recurra.errors import InputError

LEAST = 1e-5  # beside the variance: a row that does not vary is not blown up


class RowScale(NamedTuple):
    """What a row's channels were moved and divided by."""

    middle: Float[Tensor, "batch 1 channels"]
    size: Float[Tensor, "batch 1 channels"]


class ReversibleNorm(nn.Module):
    """Normalise each row by its own past, and undo it on the future.

        x̂_t = γ (x_t − m) / s + β        ŷ → s (ŷ − β) / γ + m

    with m and s² the mean and the variance (+ 10⁻⁵) of a row's live steps, channel by channel. A
    series whose level wanders is then the same task everywhere. Kim et al. 2022,
    https://openreview.net/forum?id=cGDAkQo1C0p, equations 1 to 3. With `middle="last"` m is the
    last live step, and s = 1: Zeng et al. 2023, https://arxiv.org/abs/2205.13504, `NLinear`.

    Args:
        channels: of a step.
        middle: "mean", or "last".
        affine: learn γ and β; else 1 and 0.
    Raises:
        ValueError: channels is not positive, or there is no such middle.
    """

    def __init__(
        self, channels: int, middle: Literal["mean", "last"] = "mean", *, affine: bool = False
    ) -> None:
        super().__init__()
        if channels < 1:
            raise InputError(f"channels is {channels}; ReversibleNorm takes 1 or more")
        if middle not in ("mean", "last"):
            raise InputError(f"middle is {middle!r}; ReversibleNorm takes mean or last")
        self.channels, self.middle = channels, middle
        self.gain = nn.Parameter(torch.ones(channels)) if affine else None
        self.shift = nn.Parameter(torch.zeros(channels)) if affine else None

    def forward(
        self,
        x: Float[Tensor, "batch time channels"],
        live: Bool[Tensor, "batch time channels"] | None = None,
    ) -> tuple[Float[Tensor, "batch time channels"], RowScale]:
        """Return x on each row's scale, 0 where it is not live, and that scale.

        Args:
            x: the past; where it is not live, anything, NaN too.
            live: what is known; None: all. A channel of a row without any has m = 0 and s = 1.
        """
        inputs.numbers("ReversibleNorm", "x", x, ("batch", "time", self.channels), self.gain)
        if live is None:
            live = torch.ones_like(x, dtype=torch.bool)
        inputs.mask("ReversibleNorm", live, tuple(x.shape))
        known = torch.where(live, x, 0.0)
        count = live.sum(1, keepdim=True)
        if self.middle == "mean":
            middle = known.sum(1, keepdim=True) / count.clamp(min=1)
            spread = torch.where(live, known - middle, 0.0).square().sum(1, keepdim=True)
            size = (spread / count.clamp(min=1) + LEAST).sqrt()
            size = torch.where(count > 0, size, 1.0)
        else:
            middle, size = _last(known, live), torch.ones_like(known[:, :1])
        scaled = (known - middle) / size
        if self.gain is not None and self.shift is not None:
            scaled = scaled * self.gain + self.shift
        return torch.where(live, scaled, 0.0), RowScale(middle, size)

    def undo(
        self, y: Float[Tensor, "batch time channels"], scale: RowScale
    ) -> Float[Tensor, "batch time channels"]:
        """Return y in the units of the x that gave the scale."""
        inputs.numbers("ReversibleNorm", "y", y, ("batch", "time", self.channels), scale.middle)
        if self.gain is not None and self.shift is not None:
            # the square keeps the sign, and a gain of 0 from a division by it
            y = (y - self.shift) / (self.gain + LEAST**2)
        return y * scale.size + scale.middle


def _last(known: Tensor, live: Tensor) -> Tensor:
    """Return each channel's last live number of a row [batch 1 channels]; 0 where none is."""
    if known.shape[1] == 0:
        return known.sum(1, keepdim=True)
    steps = torch.arange(known.shape[1], device=known.device)[:, None]
    last = torch.where(live, steps, 0).amax(1, keepdim=True)
    return known.gather(1, last)
