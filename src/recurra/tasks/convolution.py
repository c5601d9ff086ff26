"""Pixels as a grid of features, by convolutions."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn


def pixels(image: np.ndarray[Any, Any]) -> Tensor:
    """Return an image as a tensor; memory is shared where it may be written."""
    return torch.from_numpy(image if image.flags.writeable else image.copy())


class ImageEncoder(nn.Module):
    """Convolutions that halve an image until at most `cells` × `cells` positions are left.

    Args:
        shape: height, width and channels of an image.
        size: length of a position's features.
        cells: positions along the longer side of the grid, at most.
    """

    def __init__(self, shape: tuple[int, int, int], size: int, cells: int = 7) -> None:
        super().__init__()
        height, width, channels = shape
        layers: list[nn.Module] = []
        wide = max(size // 2, 8)
        layers += [nn.Conv2d(channels, wide, 3, padding=1), nn.BatchNorm2d(wide), nn.ReLU()]
        while max(height, width) > cells:
            layers += [
                nn.Conv2d(wide, size, 3, stride=2, padding=1),
                nn.BatchNorm2d(size),
                nn.ReLU(),
            ]
            height, width, wide = (height + 1) // 2, (width + 1) // 2, size
        layers += [nn.Conv2d(wide, size, 3, padding=1), nn.BatchNorm2d(size), nn.ReLU()]
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
