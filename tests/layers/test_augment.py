"""Augmentation: what it does in training, by how much, and that it does nothing elsewhere."""

import pytest
import torch

from recurra.layers import SpecAugment, WaveAugment

HOP = 50
LENGTHS = torch.tensor([40, 10, 0])


def sines(rows: int = 3, frames: int = 40) -> torch.Tensor:
    t = torch.arange(frames * HOP) / 37.0
    return t.sin().view(1, frames, HOP).repeat(rows, 1, 1)


def spectra(rows: int = 200, frames: int = 40, size: int = 12) -> torch.Tensor:
    return torch.ones(rows, frames, size)


@pytest.mark.parametrize(
    "layer",
    [SpecAugment(HOP, 5, 5), WaveAugment(HOP, noise=1.0, gain=6.0, shift=99, stretch=0.2)],
    ids=["spec", "wave"],
)
def test_it_is_the_identity_in_evaluation_and_random_in_training(layer):
    x = sines()
    assert torch.equal(layer.eval()(x)[0], x)
    layer.train()
    torch.manual_seed(0)
    first, second = layer(x)[0], layer(x)[0]
    assert not torch.equal(first, x)
    assert not torch.equal(first, second)
    assert not torch.equal(first[0], first[1])
    torch.manual_seed(0)
    assert torch.equal(layer(x)[0], first)
    assert not layer(x, lengths=LENGTHS)[0][torch.arange(40) >= LENGTHS[:, None]].any()


def test_bands_are_hidden_as_far_as_asked():
    torch.manual_seed(0)
    y = SpecAugment(12, bands=4, count=1).train()(spectra())[0]
    hidden = y == 0
    assert torch.equal(hidden.any(1), hidden.all(1))
    widths = hidden[:, 0].sum(-1)
    assert set(widths.tolist()) == {0, 1, 2, 3, 4}
    assert hidden[:, 0].any(0).all()
    steps = hidden[:, 0].int().diff(dim=-1).abs().sum(-1)
    assert (steps <= 2).all()


def test_frames_are_hidden_up_to_a_share_of_each_row():
    torch.manual_seed(0)
    lengths = torch.tensor([40, 10, 4]).repeat(100)
    layer = SpecAugment(12, frames=6, share=0.2, count=1).train()
    hidden = (layer(spectra(300), lengths=lengths)[0] == 0) & (torch.arange(40) < lengths[:, None])[
        ..., None
    ]
    assert torch.equal(hidden.any(2), hidden.all(2))
    widths = hidden[..., 0].sum(-1)
    assert set(widths[0::3].tolist()) == {0, 1, 2, 3, 4, 5, 6}
    assert set(widths[1::3].tolist()) == {0, 1, 2}
    assert set(widths[2::3].tolist()) == {0}


def test_masks_of_each_kind_are_counted():
    torch.manual_seed(0)
    one = (SpecAugment(12, 2, 2, count=1).train()(spectra())[0] == 0).float().mean()
    three = (SpecAugment(12, 2, 2, count=3).train()(spectra())[0] == 0).float().mean()
    assert three > 2 * one
    assert torch.equal(SpecAugment(12, 2, 2, count=0).train()(spectra())[0], spectra())


def test_gain_is_within_its_decibels():
    torch.manual_seed(0)
    x = sines(400, 2)
    ratio = (WaveAugment(HOP, gain=6.0).train()(x)[0] / x)[:, 0, 1]
    decibels = 20 * ratio.log10()
    assert -6.01 <= decibels.min() < -5.5
    assert 5.5 < decibels.max() <= 6.01


def test_noise_is_measured_beside_the_part_that_is_not_silent():
    torch.manual_seed(0)
    x = sines(300, 40)
    x[:, 20:] = 0
    added = WaveAugment(HOP, noise=0.5).train()(x)[0] - x
    below = 20 * (added.flatten(1).std(-1) / x[0, :20].std()).log10()
    assert -6.02 - 40.5 < below.min() < -6.02 - 35
    assert -6.02 - 2 < below.max() < -6.02 + 0.5


def test_a_shift_moves_by_whole_samples_and_brings_silence():
    torch.manual_seed(0)
    x = torch.arange(1.0, 4 * HOP + 1).view(1, 4, HOP).repeat(200, 1, 1)
    y = WaveAugment(HOP, shift=7).train()(x)[0].flatten(1)
    moves = set()
    for row in y:
        move = int(x[0, 2, 0] - row[2 * HOP])
        moves.add(move)
        wanted = torch.arange(1.0, 4 * HOP + 1) - move
        assert torch.equal(row, wanted.where((wanted >= 1) & (wanted <= 4 * HOP), 0.0))
    assert moves == set(range(-7, 8))


def test_a_shift_brings_no_sample_from_beyond_the_row():
    x = torch.ones(50, 4, HOP)
    lengths = torch.full((50,), 2)
    y = WaveAugment(HOP, shift=30).train()(x, lengths=lengths)[0]
    assert (y[:, :2] == 0).any()
    assert not y[:, 2:].any()


def test_stretch_changes_the_speed_within_its_share():
    torch.manual_seed(0)
    ramp = torch.arange(0.0, 4 * HOP).view(1, 4, HOP).repeat(300, 1, 1)
    y = WaveAugment(HOP, stretch=0.25).train()(ramp)[0].flatten(1)
    speeds = y[:, 100] / 100
    assert 0.75 <= speeds.min() < 0.78
    assert 1.22 < speeds.max() <= 1.25
    torch.testing.assert_close(y[:, 60], 60 * speeds, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: SpecAugment(0), "size is 0"),
        (lambda: SpecAugment(4, bands=5), "bands is 5"),
        (lambda: SpecAugment(4, frames=-1), "frames is -1"),
        (lambda: SpecAugment(4, share=1.5), "share is 1.5"),
        (lambda: WaveAugment(4, noise=-0.1), "noise is -0.1"),
        (lambda: WaveAugment(4, stretch=1.0), "stretch is 1.0"),
    ],
)
def test_wrong_amounts_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
