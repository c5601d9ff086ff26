"""Weights of a SqueezeNet, drawn; and a cache that is no user's."""

from pathlib import Path

import numpy as np
import pytest
import torch

from recurra.tasks.encoders.squeezenet import SqueezeNet


def drawn() -> SqueezeNet:
    torch.manual_seed(3)
    return SqueezeNet().eval()


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "squeezenet.npz"
    np.savez(path, **{name: tensor.detach().numpy() for name, tensor in drawn().named_parameters()})
    return path


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "recurra" / "features"
