"""Rows of the fields that say how sounds are heard, and how they are made harder to hear."""

from typing import Any

import numpy as np
import pytest
import torch

from recurra.errors import RecurraError
from recurra.layers import Cepstrum, Convolution, LogMel, SpecAugment, WaveAugment
from recurra.tasks import hearing
from recurra.tasks.task import Task

from .conftest import Lab, Seen
from .table import proves


def part(network: Any, kind: type[Any]) -> Any:
    (found,) = [module for module in network.modules() if isinstance(module, kind)]
    return found


def one_hop(task: Task) -> dict[str, Any]:
    """Return what makes a hop a step."""
    return {"subsample": 1} if "subsample" in task.options else {}


@proves("sample_rate")
def test_sample_rate_is_that_of_all_sounds_and_of_the_spectrum(task: Task, lab: Lab):
    low, high = (task.read(lab.recipe(task, sample_rate=rate)).train for rate in (8000, 16000))
    sizes = {row.where: len(row.samples) for row in low}
    assert any(row.where in sizes for row in high)
    for row in high:
        assert len(row.samples) == 2 * sizes.get(row.where, len(row.samples) / 2)
    for rate in (8000, 16000):
        network = lab.build(task, sample_rate=rate)
        layer = part(network, LogMel)
        assert (layer.rate, layer.hop, layer.window) == (rate, rate // 100, rate // 40)


@proves("hop_ms window_ms")
def test_hop_and_window_are_times(task: Task, lab: Lab):
    recipe = lab.recipe(task, sample_rate=8000, hop_ms=16.0, window_ms=32.0, **one_hop(task))
    layer = part(lab.build(task, sample_rate=8000, hop_ms=16.0, window_ms=32.0), LogMel)
    assert (layer.hop, layer.window) == (128, 256)
    rows = lab.splits(task).train
    codec = task.fit(rows, recipe)
    assert codec.encode(rows[0])[0].shape == (-(-len(rows[0].samples) // 128), 128)
    with pytest.raises(RecurraError, match="window is 128, below the hop of 160"):
        lab.build(task, sample_rate=16000, hop_ms=10.0, window_ms=8.0)


@proves("bands coefficients")
def test_features_are_log_energies_of_bands_or_their_cepstrum(task: Task, lab: Lab):
    rows = lab.splits(task).train[:4]

    def built(**fields: Any) -> Any:
        recipe = lab.recipe(task, **fields)
        codec = task.fit(rows, recipe)
        return task.build(codec, recipe), codec

    network, codec = built(bands=24)
    assert type(part(network, LogMel)) is LogMel
    assert part(network, LogMel).filters.shape[1] == len(codec.scale.mean) == 24
    network, codec = built(bands=24, coefficients=9)
    assert part(network, Cepstrum).filters.shape[1] == 24
    assert part(network, Cepstrum).output_size == len(codec.scale.mean) == 9


@proves("kernel embedding")
def test_features_of_a_step_are_of_so_many_steps_and_so_wide(task: Task, lab: Lab):
    for kernel, wide in [(1, 8), (4, 13)]:
        network = lab.build(task, kernel=kernel, embedding=wide).eval()
        layer = part(network, Convolution)
        assert layer.width == kernel
        assert layer.output_size == wide
        if task.name == "audio_classification":  # elsewhere a few hops make a step
            assert network.body.layers[-1].input_size == wide
        x = torch.randn(1, 9, layer.input_size)
        other = x.clone()
        other[:, 2] += 1
        with torch.no_grad():
            same = torch.isclose(layer(x)[0], layer(other)[0], atol=1e-6).all(-1)[0]
        assert (~same).tolist() == [2 <= t < 2 + kernel for t in range(9)]


ROUGH = {"noise": 0.5, "gain_db": 3.0, "shift_ms": 5.0, "stretch": 0.2}
NONE: dict[str, Any] = {**dict.fromkeys(ROUGH, 0.0), "mask_bands": 0, "mask_frames": 0}


@proves("noise gain_db shift_ms stretch")
def test_sounds_are_roughened_as_asked_in_training_only(task: Task, lab: Lab):
    for name, value in ROUGH.items():
        network = lab.build(task, **{**NONE, name: value})
        layer = part(network, WaveAugment)
        told = {"noise": layer.noise, "gain_db": layer.gain, "stretch": layer.stretch}
        told["shift_ms"] = layer.shift / 16
        assert told == {**dict.fromkeys(ROUGH, 0.0), name: value}
        batch = lab.batch(task)
        seen = Seen(wave=layer, heard=part(network, LogMel))
        network.train().loss(batch)
        network.eval().loss(batch)
        rough, clean = (x[0].flatten(1) for x in seen.x["heard"])
        assert not torch.equal(rough, batch.x.flatten(1))
        assert torch.equal(clean, batch.x.flatten(1))


@proves("mask_bands mask_frames")
def test_features_are_hidden_as_asked_in_training_only(task: Task, lab: Lab):
    batch = lab.batch(task)
    for fields, axis in [({"mask_bands": 7}, 1), ({"mask_frames": 3}, 2)]:
        network = lab.build(task, **{**NONE, **fields})
        layer = part(network, SpecAugment)
        assert {"mask_bands": layer.bands, "mask_frames": layer.frames} == {
            "mask_bands": 0,
            "mask_frames": 0,
            **fields,
        }
        seen = Seen(masked=layer)
        network.train()
        for _ in range(4):
            network.loss(batch)
        network.eval().loss(batch)
        hidden = [(x[0] != 0) & (y == 0) for x, y in zip(*seen_of(seen), strict=True)]
        assert any(one.any() for one in hidden[:4])
        assert not hidden[4].any()
        live = seen.x["masked"][0][0] != 0
        widest = max(int(one.any(axis).sum(-1).max()) for one in hidden[:4])
        assert 0 < widest <= 2 * max(fields.values())
        assert live.any()
    with pytest.raises(RecurraError, match="bands is 99"):
        lab.build(task, mask_bands=99)


def seen_of(seen: Seen) -> tuple[list[Any], list[Any]]:
    return seen.x["masked"], seen.y["masked"]


@proves("bands")
def test_the_scale_is_that_of_the_training_part_and_stands_behind_the_spectrum(
    task: Task, lab: Lab
):
    rows = lab.splits(task).train
    codec, network = lab.codec(task), lab.build(task, **NONE).eval()
    seen = Seen(spectrum=part(network, LogMel), masked=part(network, SpecAugment))
    features = []
    hears = network.front.layer if hasattr(network, "front") else network
    for row in rows:
        frames = hearing.framed(row.samples, part(network, LogMel).hop)
        hears(torch.from_numpy(frames)[None])
    features = np.concatenate([y[0].numpy() for y in seen.y["spectrum"]])
    np.testing.assert_allclose(features.mean(0), codec.scale.mean, rtol=0, atol=1e-3)
    np.testing.assert_allclose(features.std(0), codec.scale.deviation, rtol=0, atol=1e-3)
    scaled = np.concatenate([x[0][0].numpy() for x in seen.x["masked"]])
    np.testing.assert_allclose(scaled.mean(0), 0, atol=1e-3)
    np.testing.assert_allclose(scaled.std(0), 1, atol=1e-3)
