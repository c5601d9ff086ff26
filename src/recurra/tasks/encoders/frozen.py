"""A pretrained network that looks at pictures, and what learns from what it sees."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from recurra.layers.dropout import Dropout
from recurra.layers.linear import Linear
from recurra.tasks.encoders.sources import Seen, as_grid


class FrozenEncoder(nn.Module):
    """Features of a network that does not learn, each position's mapped linearly.

        y = ReLU(W norm(f(x)) + b) + place

    The features are rounded to 16 bits, here as where they are remembered (`remembered`): what was
    trained on is what is seen later.

    Args:
        seen: what the frozen network is.
        size: length of a position's features.
        dropout: share of the frozen features dropped.
    """

    def __init__(self, seen: Seen, size: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.seen = seen
        self.frozen = seen.network().requires_grad_(False).eval()
        for name, value in (("mean", seen.mean), ("std", seen.std)):
            self.register_buffer(name, torch.tensor(value)[:, None, None], persistent=False)
        self.norm = nn.LayerNorm(seen.channels)
        self.map = nn.Sequential(Dropout(dropout), Linear(seen.channels, size), nn.ReLU())
        self.place = nn.Parameter(torch.randn(seen.positions, size) * 0.02)
        self.output_size = size

    mean: Tensor
    std: Tensor

    def train(self, mode: bool = True) -> "FrozenEncoder":
        """Switch dropout on or off; the frozen network stays as it is used."""
        super().train(mode)
        self.frozen.eval()
        return self

    def fill(self, weights: Mapping[str, Tensor]) -> None:
        """Give the frozen network its weights."""
        self.frozen.load_state_dict(dict(weights))

    @torch.no_grad()
    def look(
        self, x: Float[Tensor, "batch height width channels"]
    ) -> Float[Tensor, "batch positions features"]:
        """Return what the frozen network sees in pictures of 0 to 1, in 16 bits."""
        pixels = x.permute(0, 3, 1, 2)
        grid = as_grid(self.frozen((pixels - self.mean) / self.std))
        return grid.half()

    def forward(self, x: Float[Tensor, "batch *picture"]) -> Float[Tensor, "batch positions size"]:
        """Return the features of each position, of pictures or of what was seen in them."""
        features = self.look(x) if x.dim() == 4 else x
        mapped: Tensor = self.map(self.norm(features.to(self.place.dtype)))
        return mapped + self.place
