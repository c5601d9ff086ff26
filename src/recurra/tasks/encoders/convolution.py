"""Pixels as a grid of features, by convolutions."""

from typing import Any

import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional


def pixels(image: NDArray[Any]) -> Tensor:
    """Return an image as a tensor; memory is shared where it may be written."""
    return torch.from_numpy(image if image.flags.writeable else image.copy())


class Normalisation(nn.BatchNorm2d):
    """Batch normalisation that takes one value per channel, too.

    One value is its own mean and has no variance: it is normalised by the running statistics, as
    in evaluation, and adds nothing to them.
    """

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Tensor:
        """Return each channel with mean 0 and variance 1 over the batch, scaled and moved."""
        if x.numel() > x.shape[1]:
            return super().forward(x)
        mean, variance = self.running_mean, self.running_var
        return functional.batch_norm(x, mean, variance, self.weight, self.bias, eps=self.eps)


def convolution(channels: int, size: int, stride: int) -> list[nn.Module]:
    """Return a 3 × 3 convolution, normalised and rectified."""
    return [
        nn.Conv2d(channels, size, 3, stride=stride, padding=1, bias=False),
        Normalisation(size),
        nn.ReLU(),
    ]


class ImageEncoder(nn.Module):
    """Convolutions that halve an image until at most `cells` × `cells` positions are left.

    Channels double with every halving, up to `size`; a side over 32 is halved at once.

    Args:
        shape: height, width and channels of an image.
        size: length of a position's features.
        cells: positions along the longer side of the grid, at most.
    """

    def __init__(self, shape: tuple[int, int, int], size: int, cells: int = 7) -> None:
        super().__init__()
        height, width, channels = shape
        wide = min(size, 32)
        stride = 2 if max(height, width) > 32 else 1
        layers = convolution(channels, wide, stride)
        height, width = -(-height // stride), -(-width // stride)
        while max(height, width) > cells:
            layers += convolution(wide, min(2 * wide, size), 2)
            height, width, wide = -(-height // 2), -(-width // 2), min(2 * wide, size)
        layers += convolution(wide, size, 1)
        self.layers = nn.Sequential(*layers)
        self.positions, self.output_size = height * width, size
        # an attention that looks at the grid must know left from right
        self.place = nn.Parameter(torch.randn(self.positions, size) * 0.02)

    def forward(
        self, x: Float[Tensor, "batch height width channels"]
    ) -> Float[Tensor, "batch positions size"]:
        """Return the features of each position."""
        grid: Tensor = self.layers(x.permute(0, 3, 1, 2))
        return grid.flatten(2).transpose(1, 2) + self.place
