"""Sound as a short row of numbers for each of its frames: log-mel energies and cepstra."""

import math
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from recurra import inputs
from recurra.inputs import Count
from recurra.layers.base import Layer
from recurra.layers.lengths import carry, zero_beyond

FLOOR = 1e-8  # power beside full scale 1: −80 dB; 16 bits round to about −108
FINER = 4  # times a window that it may be padded with zeros, until no filter is without a frequency


class SpectrumState(NamedTuple):
    """The last window − hop samples, the oldest first."""

    held: Float[Tensor, "batch overlap"]


class LogMel(Layer):
    """Log energies of mel bands, of each frame of a sound.

        P_t(k) = |Σ_n w_n s_{(t+1)H − N + n} e^{−2πi kn/M}|² / Σ_n w_n²     k = 0 … M/2
        y_t(b) = ln max(Σ_k F_b(k) P_t(k), 10⁻⁸)

    s are samples, of full scale 1, with N − H zeros before the first; H (hop) of them make an input
    frame, and y_t reads the N (window) that end with frame t: it is known as soon as the frame is,
    so a stream is the whole. w_n = ½ − ½ cos(2πn/N) is Hann's window, M the least power of 2 from N
    on for which every filter has a frequency. Filter F_b is a triangle of height 1 over the
    frequencies f_{b−1}, f_b, f_{b+1}, which lie evenly on the scale m = 2595 log₁₀(1 + f/700)
    between `low` and `high`: Young et al., The HTK Book, chapter 5, filterbank analysis.

    There is nothing to learn. It is computed in 32 bits or more, whatever the type of x.

    Args:
        rate: samples a second.
        hop: samples of an input frame, H.
        window: samples that an output reads, N: hop or more.
        bands: mel filters, and size of an output.
        low: Hz where the first filter begins.
        high: Hz where the last one ends; None: half of the rate.
    Raises:
        ValueError: a size is not positive, the window is shorter than the hop, the frequencies are
            not 0 ≤ low < high ≤ rate/2, or there are too many filters for the window.
    """

    def __init__(
        self,
        rate: int,
        hop: int,
        window: int,
        bands: int,
        low: float = 20.0,
        high: float | None = None,
    ) -> None:
        super().__init__()
        high = rate / 2 if high is None else high
        for name, size in [("rate", rate), ("hop", hop), ("window", window), ("bands", bands)]:
            if size < 1:
                raise ValueError(f"{name} is {size}; it is at least 1")
        if window < hop:
            raise ValueError(f"window is {window}, below the hop of {hop}: samples would be lost")
        if not 0 <= low < high <= rate / 2:
            raise ValueError(f"low is {low:g}, high {high:g} Hz; 0 ≤ low < high ≤ {rate / 2:g}")
        self.rate, self.hop, self.window, self.low, self.high = rate, hop, window, low, high
        self.input_size, self.output_size = hop, bands
        filters = _filters(rate, window, bands, low, high)
        self.transformed = 2 * (len(filters) - 1)
        hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
        # a window of one sample is that sample
        hann = np.ones(1) if window == 1 else hann / math.sqrt((hann**2).sum())
        self.register_buffer("taper", torch.from_numpy(hann).float(), persistent=False)
        self.register_buffer("filters", torch.from_numpy(filters).float(), persistent=False)
        self.taper: Tensor
        self.filters: Tensor

    def initial_state(self, batch: Count) -> SpectrumState:
        """Return silence."""
        return SpectrumState(self.taper.new_zeros(batch, self.window - self.hop))

    def forward(
        self,
        x: Float[Tensor, "batch time hop"],
        state: Any = None,
        *,
        lengths: Int[Tensor, "batch"] | None = None,
    ) -> tuple[Float[Tensor, "batch time bands"], SpectrumState]:
        """Return the features of each frame of samples."""
        owner = type(self).__name__
        inputs.sequence(owner, x, self.input_size, lengths, self.taper)
        if state is not None:
            inputs.state(self, state, x.shape[0], self.taper)
        before = self.initial_state(x.shape[0]) if state is None else state
        batch, time = x.shape[:2]
        samples = zero_beyond(x, lengths).reshape(batch, time * self.hop, 1)
        ends = None if lengths is None else lengths.long().clamp(max=time) * self.hop
        kind = torch.promote_types(x.dtype, before.held.dtype)
        signal, held = carry(before.held.to(kind)[..., None], samples.to(kind), ends)
        after = SpectrumState(held[..., 0].to(before.held.dtype))
        if time == 0 or batch == 0:
            return x.new_zeros(batch, time, self.output_size), after
        with torch.autocast(x.device.type, enabled=False):
            y = self._features(signal[..., 0].unfold(1, self.window, self.hop))
        return zero_beyond(y.to(x.dtype), lengths), after

    def _features(
        self, frames: Float[Tensor, "batch time window"]
    ) -> Float[Tensor, "batch time features"]:
        exact = torch.promote_types(frames.dtype, torch.float32)
        tapered = frames.to(exact) * self.taper.to(exact)
        spectrum = torch.fft.rfft(tapered, self.transformed)
        power = spectrum.real.square() + spectrum.imag.square()
        y: Tensor = (power @ self.filters.to(exact)).clamp(min=FLOOR).log()
        return y

    def extra_repr(self) -> str:
        """Show rate, hop, window and bands."""
        bands = self.filters.shape[1]
        return f"rate={self.rate}, hop={self.hop}, window={self.window}, bands={bands}"


class Cepstrum(LogMel):
    """Mel-frequency cepstral coefficients: the first few waves of the log-mel energies.

        c_t(i) = g_i Σ_{b=0..B−1} y_t(b) cos(π i (b + ½) / B)     g_0 = √(1/B), else √(2/B)

    Davis and Mermelstein 1980, https://doi.org/10.1109/TASSP.1980.1163420; the orthonormal DCT-II,
    without liftering.

    Args:
        rate: as of `LogMel`, and so are hop, window, bands, low and high.
        hop: H.
        window: N.
        bands: B, mel filters.
        coefficients: how many c; the size of an output, bands at most.
        low: Hz.
        high: Hz.
    Raises:
        ValueError: as `LogMel`, or coefficients is not from 1 to bands.
    """

    def __init__(
        self,
        rate: int,
        hop: int,
        window: int,
        bands: int,
        coefficients: int,
        low: float = 20.0,
        high: float | None = None,
    ) -> None:
        super().__init__(rate, hop, window, bands, low, high)
        if not 1 <= coefficients <= bands:
            raise ValueError(f"coefficients is {coefficients}; it is from 1 to bands, {bands}")
        self.output_size = coefficients
        wave = np.arange(coefficients) * (np.arange(bands)[:, None] + 0.5) * np.pi / bands
        gain = np.where(np.arange(coefficients) == 0, math.sqrt(1 / bands), math.sqrt(2 / bands))
        cosines = torch.from_numpy(np.cos(wave) * gain).float()
        self.register_buffer("cosines", cosines, persistent=False)
        self.cosines: Tensor

    def _features(
        self, frames: Float[Tensor, "batch time window"]
    ) -> Float[Tensor, "batch time features"]:
        y = super()._features(frames)
        return y @ self.cosines.to(y.dtype)


def _filters(rate: int, window: int, bands: int, low: float, high: float) -> NDArray[np.float64]:
    """Return F [frequencies bands], on as fine a grid as it takes."""
    first, last = (2595 * math.log10(1 + f / 700) for f in (low, high))
    edges = 700 * (10 ** (np.linspace(first, last, bands + 2) / 2595) - 1)
    left, top, right = edges[:-2], edges[1:-1], edges[2:]
    size = 1 << max(1, (window - 1).bit_length())
    while True:
        f = np.arange(size // 2 + 1)[:, None] * (rate / size)
        found: NDArray[np.float64] = np.minimum(
            (f - left) / (top - left), (right - f) / (right - top)
        ).clip(min=0)
        if found.any(axis=0).all():
            return found
        if size >= FINER * window:
            empty = int((~found.any(axis=0)).sum())
            raise ValueError(
                f"bands is {bands}: {empty} of the filters hold no frequency that a window of "
                f"{window} samples tells apart; take fewer bands, or a longer window"
            )
        size *= 2
