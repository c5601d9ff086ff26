"""Scores of keys: of each by what the state says, and by what sounds around it."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from recurra.data.rolls import KEYS
from recurra.layers import Beside, Layer, PlaneConvolution, Pointwise, Stack
from recurra.layers.dropout import Dropout

Steps = Float[Tensor, "batch time features"]


class KeyHead(nn.Module):
    """Scores of a `beside` body's outputs [h ; f], f the filters around each key.

        s_k = b_k + V_k h + w · ReLU(f_k + U h + e_k)

    V knows each key by itself, and has seen it as often as it sounds; w and U are the same for all
    keys, so a step from one key to the next is learned once for all of them. Scores beyond the
    keys, which a `NADE` asks for, are of h alone.

    Args:
        size: length of h.
        filters: of each key.
        scores: keys, and what else the output asks for.
        dropout: on h, and before w.
    """

    def __init__(self, size: int, filters: int, scores: int, dropout: float) -> None:
        super().__init__()
        self.size, self.filters = size, filters
        self.dropout = Dropout(dropout)
        self.own = nn.Linear(size, scores)  # V, b
        self.told = nn.Linear(size, filters, bias=False)  # U
        self.key = nn.Parameter(torch.randn(KEYS, filters) * 0.1)  # e
        self.shared = nn.Linear(filters, 1, bias=False)  # w

    def forward(self, x: Steps) -> Steps:
        """Return the scores."""
        h, near = self.dropout(x[..., : self.size]), x[..., self.size :]
        near = near.reshape(*near.shape[:-1], KEYS, self.filters)
        near = torch.relu(near + self.told(h)[..., None, :] + self.key)
        scores: Tensor = self.own(h)
        of_keys = scores[..., :KEYS] + self.shared(self.dropout(near))[..., 0]
        return torch.cat([of_keys, scores[..., KEYS:]], dim=-1)


def beside(embed: nn.Module, width: int, layers: Layer, near: PlaneConvolution) -> Layer:
    """Return the layers of embedded keys, and beside them the filters of the keys themselves."""
    return Beside(Stack(Pointwise(embed, KEYS, width), layers), near)
