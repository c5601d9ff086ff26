"""An output that writes with the embeddings that are read."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from recurra.engines.native.product import linear


class Tied(nn.Module):
    """A linear output whose weight is the embeddings': token k's logit is e_k · W h + b_k.

    Press and Wolf 2017, https://aclanthology.org/E17-2025; Inan et al. 2017,
    https://arxiv.org/abs/1611.01462. Where h is not as wide as e, W is learned, else it is 1.

    Args:
        table: of the embeddings; it stays a part of what it came from.
        size: of h.
    """

    def __init__(self, table: nn.Embedding, size: int) -> None:
        super().__init__()
        width = table.embedding_dim
        self.project = nn.Identity() if size == width else nn.Linear(size, width, bias=False)
        self.bias = nn.Parameter(torch.zeros(table.num_embeddings))
        self._tables = [table]  # in a list: its weight is not one of this module's too

    def forward(self, h: Float[Tensor, "*axes hidden"]) -> Float[Tensor, "*axes vocabulary"]:
        """Return the logits."""
        return linear(self.project(h), self._tables[0].weight, self.bias)
