"""The spectrum of sound, beside its equations written out sample by sample."""

import math

import numpy as np
import pytest
import torch
from scipy.fft import dct
from scipy.signal import get_window

from recurra.layers import Cepstrum, FixedScale, LogMel, Stack
from recurra.streaming import Stream

RATE, HOP, WINDOW, BANDS = 8000, 80, 200, 20


def sound(seconds: float = 0.3) -> np.ndarray:
    """Return a chirp with noise."""
    t = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(0).standard_normal(len(t))
    return 0.3 * np.sin(2 * np.pi * (200 + 3000 * t) * t) + 0.01 * noise


def framed(samples: np.ndarray, hop: int = HOP) -> torch.Tensor:
    return torch.from_numpy(samples[: len(samples) // hop * hop].reshape(1, -1, hop))


def mel(f: float) -> float:
    return 2595 * math.log10(1 + f / 700)


def by_definition(samples, rate, hop, window, bands, low, high, size):
    """Return the log-mel energies by a sum over every sample for every frequency."""
    w = get_window("hann", window, fftbins=True)
    points = np.linspace(mel(low), mel(high), bands + 2)
    edges = [700 * (10 ** (m / 2595) - 1) for m in points]
    rows = []
    for t in range(len(samples) // hop):
        heard = np.array(
            [samples[i] if i >= 0 else 0.0 for i in range((t + 1) * hop - window, (t + 1) * hop)]
        )
        row = []
        power = []
        for k in range(size // 2 + 1):
            turns = np.exp(-2j * np.pi * k * np.arange(window) / size)
            power.append(abs((w * heard * turns).sum()) ** 2 / (w**2).sum())
        for b in range(1, bands + 1):
            energy = 0.0
            for k, p in enumerate(power):
                f = k * rate / size
                if edges[b - 1] < f <= edges[b]:
                    energy += p * (f - edges[b - 1]) / (edges[b] - edges[b - 1])
                elif edges[b] < f < edges[b + 1]:
                    energy += p * (edges[b + 1] - f) / (edges[b + 1] - edges[b])
            row.append(math.log(max(energy, 1e-8)))
        rows.append(row)
    return np.array(rows)


@pytest.mark.parametrize(
    ("low", "high", "window", "size"),
    [(20.0, None, 200, 256), (300.0, 3400.0, 128, 128), (0.0, 4000.0, 81, 128)],
)
def test_log_mel_is_its_definition(low, high, window, size):
    samples = sound(0.1)
    layer = LogMel(RATE, HOP, window, BANDS, low, high)
    assert layer.transformed == size
    found = layer(framed(samples).float())[0][0]
    wanted = by_definition(samples, RATE, HOP, window, BANDS, low, high or 4000.0, size)
    np.testing.assert_allclose(found.numpy(), wanted, rtol=0, atol=2e-4)


def test_a_cepstrum_is_the_dct_of_the_log_mel():
    x = framed(sound()).float()
    energies = LogMel(RATE, HOP, WINDOW, BANDS)(x)[0]
    cepstra = Cepstrum(RATE, HOP, WINDOW, BANDS, 13)(x)[0]
    wanted = dct(energies.double().numpy(), type=2, norm="ortho", axis=-1)[..., :13]
    np.testing.assert_allclose(cepstra.numpy(), wanted, rtol=0, atol=1e-4)


def test_white_noise_has_its_variance_in_every_band_and_silence_the_floor():
    layer = LogMel(RATE, HOP, WINDOW, 8)
    noise = 0.1 * np.random.default_rng(1).standard_normal(40 * RATE)
    found = layer(framed(noise).float())[0][0, 3:].exp().mean(0) / layer.filters.sum(0)
    np.testing.assert_allclose(found.numpy(), 0.01, rtol=0.1)
    silent = layer(torch.zeros(1, 3, HOP))[0]
    assert torch.equal(silent, torch.full_like(silent, math.log(1e-8)))


def test_a_pure_tone_is_loudest_in_the_band_around_it():
    layer = LogMel(RATE, HOP, WINDOW, BANDS)
    edges = 700 * (10 ** (np.linspace(mel(20), mel(4000), BANDS + 2) / 2595) - 1)
    for band in (4, 11, 18):
        tone = np.sin(2 * np.pi * edges[band + 1] * np.arange(1600) / RATE)
        assert layer(framed(tone).float())[0][0, -1].argmax() == band


def test_a_stream_of_samples_is_the_whole():
    layer = Stack(LogMel(RATE, HOP, WINDOW, BANDS), FixedScale([-5.0] * BANDS, [2.0] * BANDS))
    x = framed(sound()).float()
    whole = layer(x)[0]
    stream = Stream(layer)
    for t in range(x.shape[1]):
        torch.testing.assert_close(stream.step(x[:, t]), whole[:, t], rtol=0, atol=1e-5)


def test_what_comes_later_changes_nothing_before():
    layer = LogMel(RATE, HOP, WINDOW, BANDS)
    x = framed(sound()).float()
    later = x.clone()
    later[:, 7:] = torch.randn_like(later[:, 7:])
    assert torch.equal(layer(x)[0][:, :7], layer(later)[0][:, :7])
    assert not torch.equal(layer(x)[0][:, 7:], layer(later)[0][:, 7:])


def test_nothing_is_learned_or_stored():
    layer = Stack(Cepstrum(RATE, HOP, WINDOW, BANDS, 13), FixedScale([0.0] * 13, [1.0] * 13))
    assert not list(layer.parameters())
    assert not layer.state_dict()


def test_a_window_is_padded_until_no_filter_is_empty():
    layer = LogMel(RATE, HOP, 100, 60)
    assert layer.transformed > 128
    assert (layer.filters.sum(0) > 0).all()


def test_a_fixed_scale_moves_and_divides():
    y = FixedScale([1.0, -2.0], [2.0, 0.5])(torch.tensor([[[3.0, -1.0]]]))[0]
    assert y.tolist() == [[[1.0, 2.0]]]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((0, 80, 200, 20), "rate is 0"),
        ((8000, 80, 79, 20), "below the hop"),
        ((8000, 80, 200, 0), "bands is 0"),
        ((8000, 80, 200, 20, 3000.0, 2000.0), "low is 3000"),
        ((8000, 80, 200, 20, 20.0, 5000.0), "high 5000"),
        ((8000, 80, 200, 400), "fewer bands"),
    ],
)
def test_wrong_sizes_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        LogMel(*arguments)


def test_wrong_cepstra_and_scales_are_refused():
    with pytest.raises(ValueError, match="from 1 to bands"):
        Cepstrum(RATE, HOP, WINDOW, BANDS, BANDS + 1)
    for mean, deviation in [([], []), ([0.0], [1.0, 1.0]), ([0.0], [0.0]), ([math.nan], [1.0])]:
        with pytest.raises(ValueError, match="mean"):
            FixedScale(mean, deviation)
