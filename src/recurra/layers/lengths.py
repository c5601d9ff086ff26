"""Rows of different lengths, side by side: which frames count, and in which order."""

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from recurra import inputs


def within(lengths: Int[Tensor, "batch"], time: int) -> Bool[Tensor, "batch time"]:
    """Return True where a frame lies within its row's length."""
    inputs.lengths(lengths)
    inputs.count("within", "time", time)
    return _within(lengths, time)


def _within(lengths: Tensor, time: int) -> Tensor:
    return torch.arange(time, device=lengths.device) < lengths[:, None]


def zero_beyond(
    x: Shaped[Tensor, "batch time *features"], lengths: Int[Tensor, "batch"] | None
) -> Shaped[Tensor, "batch time *features"]:
    """Return x with zeros beyond lengths, whatever was there (NaN, without gradient; no token)."""
    lengths = inputs.ragged("zero_beyond", x, lengths)
    if lengths is None:
        return x
    beyond = ~_within(lengths.to(x.device), x.shape[1])
    return x.masked_fill(beyond.view(*beyond.shape, *[1] * (x.dim() - 2)), 0)


def reverse(
    x: Float[Tensor, "batch time features"], lengths: Int[Tensor, "batch"] | None
) -> Float[Tensor, "batch time features"]:
    """Return x with each row's frames in reverse; what lies beyond its length stays where it is."""
    if lengths is None:
        return x.flip(1)
    batch, time = x.shape[:2]
    last = lengths.to(x.device, torch.int64).clamp(max=time)[:, None] - 1
    t = torch.arange(time, device=x.device)
    source = torch.where(t <= last, last - t, t)
    # Whole lines are moved: taking number by number costs seven times as much, and more backward.
    lines = source + time * torch.arange(batch, device=x.device)[:, None]
    return x.flatten(0, 1).index_select(0, lines.flatten()).view_as(x)


def carry(
    held: Float[Tensor, "batch context features"],
    x: Float[Tensor, "batch time features"],
    lengths: Int[Tensor, "batch"] | None,
) -> tuple[Float[Tensor, "batch all features"], Float[Tensor, "batch context features"]]:
    """Return x behind the frames held from before, and the frames to hold for what comes next."""
    context, time = held.shape[1], x.shape[1]
    frames = torch.cat([held, x], dim=1)
    if lengths is None:
        return frames, frames[:, time:]
    first = lengths.to(x.device, torch.int64).clamp(min=0, max=time)[:, None]
    index = first + torch.arange(context, device=x.device)
    # not take_along_dim, which binds an exported graph to the sizes of now
    return frames, frames.gather(1, index[..., None].expand(-1, -1, frames.shape[2]))
