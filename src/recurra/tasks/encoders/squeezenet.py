"""SqueezeNet 1.1 without its classifier: 722,496 weights that see the shapes of ImageNet."""

from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn

from recurra.errors import DataError

SIDE = 224  # of the pictures that it was made for, about
MEAN = (123.68, 116.779, 103.939)  # of red, green and blue bytes


class Fire(nn.Module):
    """Few channels, then many of two kinds: 1 × 1 and 3 × 3.

    Iandola et al. 2016, https://arxiv.org/abs/1602.07360, section 3.2.
    """

    def __init__(self, size: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(size, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)

    def forward(self, x: Float[Tensor, "batch size h w"]) -> Float[Tensor, "batch wide h w"]:
        """Return the expanded channels, those of 1 × 1 first."""
        x = self.squeeze(x).relu()
        return torch.cat([self.expand1x1(x), self.expand3x3(x)], dim=1).relu()


def _halved() -> nn.MaxPool2d:
    return nn.MaxPool2d(3, stride=2, ceil_mode=True)


class SqueezeNet(nn.Module):
    """Pictures → 512 features at each place of a grid, a sixteenth as high and wide.

    Its weights, of the names that torch's usual model has, expect bytes in the order blue, green,
    red, less their means; it takes red, green and blue from 0 to 1.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 3, stride=2),
            nn.ReLU(),
            _halved(),
            Fire(64, 16, 64),
            Fire(128, 16, 64),
            _halved(),
            Fire(128, 32, 128),
            Fire(256, 32, 128),
            _halved(),
            Fire(256, 48, 192),
            Fire(384, 48, 192),
            Fire(384, 64, 256),
            Fire(512, 64, 256),
        )
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None], persistent=False)

    mean: Tensor

    def forward(self, x: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch 512 h w"]:
        """Return the grid of features."""
        grid: Tensor = self.features((x * 255 - self.mean).flip(1))
        return grid


def fill(network: SqueezeNet, path: str | Path) -> None:
    """Load the weights of a NumPy archive.

    Raises:
        DataError: it is missing or none, or holds other weights.
    """
    own = dict(network.named_parameters())
    try:
        with np.load(path, allow_pickle=False) as archive:
            if set(archive.files) != set(own):
                strange = sorted(set(own) ^ set(archive.files))[0]
                raise DataError(path, f"holds no SqueezeNet 1.1: {strange} is missing or unknown")
            for name, tensor in own.items():
                _copy(tensor, archive[name], f"{path}: {name}")
    except FileNotFoundError as error:
        raise DataError(path, "does not exist; give the encoder's file of weights") from error
    except (OSError, ValueError, BadZipFile, AttributeError, EOFError) as error:
        raise DataError(path, f"is no archive of weights (.npz): {error}") from error


def _copy(tensor: Tensor, stored: NDArray[Any], where: str) -> None:
    if stored.shape != tuple(tensor.shape) or stored.dtype.kind != "f":
        kind = f"{stored.dtype} of shape {list(stored.shape)}"
        raise DataError(where, f"is {kind}; floats of {list(tensor.shape)} are needed")
    if not np.isfinite(stored).all():
        raise DataError(where, "holds a weight that is not finite")
    with torch.no_grad():
        tensor.copy_(torch.from_numpy(stored))
