"""Sound that is made harder to hear in training, and left alone elsewhere."""

from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from recurra import inputs
from recurra.errors import InputError
from recurra.inputs import Count
from recurra.layers.base import Layer
from recurra.layers.lengths import within, zero_beyond

QUIETER = 40.0  # dB: the range below the loudest noise from which each row's is drawn


class _Augment(Layer):
    """The identity, but in training."""

    def __init__(self, size: int) -> None:
        super().__init__()
        if size < 1:
            raise InputError(f"size is {size}; a size is at least 1")
        self.input_size = self.output_size = size

    def initial_state(self, batch: Count) -> tuple[()]:
        """Return nothing."""
        return ()

    def forward(
        self,
        x: Float[Tensor, "batch time features"],
        state: Any = None,
        *,
        lengths: Int[Tensor, "batch"] | None = None,
    ) -> tuple[Float[Tensor, "batch time features"], tuple[()]]:
        """Return x, changed at random in training; zeros beyond lengths."""
        inputs.sequence(type(self).__name__, x, self.input_size, lengths)
        if state is not None:
            inputs.parts(type(self).__name__, state, 0)
        x = zero_beyond(x, lengths)
        if self.training and x.numel():
            x = zero_beyond(self._changed(x, lengths), lengths)
        return x, ()

    def _changed(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        raise NotImplementedError


class SpecAugment(_Augment):
    """Bands and stretches of time that are hidden from a row, other ones at every call.

    Twice f ~ U{0 … F} neighbouring features are 0 in all frames, and twice τ ~ U{0 … T} frames in
    all features, where T is at most `share` of the row's frames. Park et al. 2019,
    https://arxiv.org/abs/1904.08779, section 2, without the warp of time. After a `FixedScale`,
    0 is the feature's mean.

    Args:
        size: features.
        bands: F, the widest band hidden; 0: none.
        frames: T, the most frames hidden at once; 0: none.
        share: p, the most of a row's frames that one stretch may take.
        count: masks of each kind.
    Raises:
        ValueError: a number is out of its range.
    """

    def __init__(
        self, size: int, bands: int = 0, frames: int = 0, share: float = 0.2, count: int = 2
    ) -> None:
        super().__init__(size)
        if not 0 <= bands <= size:
            raise InputError(f"bands is {bands}; it is from 0 to the {size} features")
        if frames < 0 or count < 0:
            raise InputError(f"frames is {frames}, count {count}; both are 0 or more")
        inputs.share("share", share)
        self.bands, self.frames, self.share, self.count = bands, frames, share, count

    def _changed(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        batch, time, size = x.shape
        live = torch.full((batch,), time, device=x.device)
        if lengths is not None:
            live = lengths.to(x.device).long().clamp(max=time)
        width = torch.full_like(live, self.bands)
        for _ in range(self.count):
            hidden = _interval(width, torch.full_like(live, size), size)
            x = x.masked_fill(hidden[:, None], 0)
            most = (live * self.share).long().clamp(max=self.frames)
            x = x.masked_fill(_interval(most, live, time)[..., None], 0)
        return x

    def extra_repr(self) -> str:
        """Show what is hidden."""
        return f"{self.input_size}, bands={self.bands}, frames={self.frames}, share={self.share}"


class WaveAugment(_Augment):
    """Sound played louder, later and faster, with noise in it: other amounts in each row and call.

        y_n = 10^{g/20} s((n − d) v) + ε_n      ε_n ~ N(0, σ²)

    with g ~ U(−gain, gain) dB, d ~ U{−shift … shift} samples, v ~ 1 + U(−stretch, stretch) (faster
    is higher too), and σ the deviation of the row's frames that are not silent, times
    noise · 10^{−U(0, 40 dB)/20}. Between samples s is a straight line; outside of the row it is 0.

    Args:
        size: samples of a frame.
        noise: the loudest noise beside the sound; 0.1 is a signal-to-noise ratio of 20 dB.
        gain: dB.
        shift: samples.
        stretch: share of the speed, below 1.
    Raises:
        ValueError: a number is negative, or stretch is not below 1.
    """

    def __init__(
        self,
        size: int,
        *,
        noise: float = 0.0,
        gain: float = 0.0,
        shift: int = 0,
        stretch: float = 0.0,
    ) -> None:
        super().__init__(size)
        given = {"noise": noise, "gain": gain, "shift": shift, "stretch": stretch}
        for name, value in given.items():
            if value < 0:
                raise InputError(f"{name} is {value}; it is 0 or more")
        if stretch >= 1:
            raise InputError(f"stretch is {stretch}; it is below 1")
        self.noise, self.gain, self.shift, self.stretch = noise, gain, shift, stretch

    def _changed(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        samples = x.flatten(1)
        if self.shift or self.stretch:
            samples = self._moved(samples, x.shape[1], lengths)
        if self.gain:
            samples = samples * 10 ** (_uniform(samples, -self.gain, self.gain) / 20)
        if self.noise:
            loud = x.flatten(1).view_as(x).square().mean(-1)
            heard = (loud > 0).sum(-1, keepdim=True).clamp(min=1)
            deviation = (loud.sum(-1, keepdim=True) / heard).sqrt()
            below = 10 ** (-_uniform(samples, 0.0, QUIETER) / 20)
            samples = samples + torch.randn_like(samples) * deviation * (self.noise * below)
        return samples.view_as(x)

    def _moved(self, samples: Tensor, time: int, lengths: Tensor | None) -> Tensor:
        batch, total = samples.shape
        later = torch.randint(-self.shift, self.shift + 1, (batch, 1), device=samples.device)
        speed = 1 + _uniform(samples, -self.stretch, self.stretch).double()
        wanted = (torch.arange(total, device=samples.device) - later) * speed
        before = wanted.floor()
        part = (wanted - before).to(samples.dtype)
        last = torch.full_like(later, time) if lengths is None else lengths.to(later)[:, None]
        last = last.clamp(max=time) * (total // time) - 1

        def at(place: Tensor) -> Tensor:
            outside = (place < 0) | (place > last)
            return samples.take_along_dim(place.clamp(0, total - 1), 1).masked_fill(outside, 0)

        index = before.long()
        return at(index) * (1 - part) + at(index + 1) * part

    def extra_repr(self) -> str:
        """Show how much."""
        return (
            f"{self.input_size}, noise={self.noise}, gain={self.gain}, shift={self.shift}, "
            f"stretch={self.stretch}"
        )


def _uniform(like: Tensor, least: float, most: float) -> Float[Tensor, "batch 1"]:
    """Return a number for each row."""
    return torch.empty_like(like[:, :1]).uniform_(least, most)


def _interval(most: Tensor, whole: Tensor, size: int) -> Bool[Tensor, "batch size"]:
    """Return True in a stretch of each row of 0 to `most` places, which lies within `whole`."""
    width = (torch.rand_like(most, dtype=torch.float64) * (most + 1)).long()
    start = (torch.rand_like(most, dtype=torch.float64) * (whole - width + 1)).long()[:, None]
    place = torch.arange(size, device=most.device)
    inside: Tensor = (place >= start) & (place < start + width[:, None])
    return inside & within(whole, size)
