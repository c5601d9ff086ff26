"""The architecture by its published sizes, its pixels by hand, its weights from files."""

from pathlib import Path

import numpy as np
import pytest
import torch

from recurra.errors import DataError
from recurra.tasks.encoders.squeezenet import SqueezeNet, fill

from .conftest import drawn

BLUE_GREEN_RED = [-103.939, -116.779, 255 - 123.68]  # of a picture that is red


def test_it_has_as_many_weights_as_were_published():
    assert sum(p.numel() for p in SqueezeNet().parameters()) == 722_496
    names = dict(SqueezeNet().named_parameters())
    assert len(names) == 50
    for name in ("features.0.weight", "features.3.squeeze.bias", "features.12.expand3x3.weight"):
        assert name in names


@pytest.mark.parametrize(("side", "grid"), [(128, 7), (224, 13), (64, 3)])
def test_a_picture_becomes_a_grid_of_512_features(side: int, grid: int):
    assert SqueezeNet()(torch.rand(2, 3, side, side)).shape == (2, 512, grid, grid)


def test_pixels_are_bytes_in_blue_green_red_less_their_means():
    network = drawn()
    red = torch.zeros(1, 3, 32, 32)
    red[:, 0] = 1.0
    found = []
    network.features[0].register_forward_hook(lambda _, args, y: found.append(args[0]))
    network(red)
    (pixels,) = found
    assert pixels[0, :, 0, 0].tolist() == pytest.approx(
        [-103.939, -116.779, 255 - 123.68], abs=1e-3
    )


def test_its_weights_are_read_by_name(weights: Path):
    network = SqueezeNet()
    fill(network, weights)
    wanted = drawn()
    for name, tensor in network.named_parameters():
        assert torch.equal(tensor, dict(wanted.named_parameters())[name])


def spoil(path: Path, how: str) -> None:
    with np.load(path) as archive:
        arrays = dict(archive)
    if how == "missing":
        del arrays["features.0.bias"]
    elif how == "unknown":
        arrays["more"] = np.zeros(1)
    elif how == "shape":
        arrays["features.0.bias"] = np.zeros(3, np.float32)
    elif how == "kind":
        arrays["features.0.bias"] = np.zeros(64, np.int64)
    elif how == "infinite":
        arrays["features.0.bias"][0] = np.inf
    elif how == "pickle":
        arrays["features.0.bias"] = np.array([{}] * 64, dtype=object)
    np.savez(path, **arrays)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("missing", "features.0.bias"),
        ("unknown", "more"),
        ("shape", r"floats of \[64\]"),
        ("kind", "int64"),
        ("infinite", "not finite"),
        ("pickle", "no archive of weights"),
    ],
)
def test_other_weights_are_refused(how: str, said: str, weights: Path):
    spoil(weights, how)
    with pytest.raises(DataError, match=said):
        fill(SqueezeNet(), weights)


def test_what_is_no_archive_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match="does not exist"):
        fill(SqueezeNet(), tmp_path / "none.npz")
    for content in (b"", b"text", b"PK\x03\x04"):
        (tmp_path / "bad.npz").write_bytes(content)
        with pytest.raises(DataError, match=r"bad\.npz"):
            fill(SqueezeNet(), tmp_path / "bad.npz")
