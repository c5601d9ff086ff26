"""Tokens as vectors."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from recurra import inputs
from recurra.layers.dropout import Dropout

UNKNOWN = 1


class TokenEmbedding(nn.Module):
    """One vector per token; in training some tokens are read as <unk>, and some features dropped.

    Args:
        vocabulary: number of tokens; 0 is padding, 1 unknown.
        size: length of a vector.
        word_dropout: share of tokens replaced by <unk> (Iyyer et al. 2015, section 4).
        dropout: share of features dropped.
        rare: the first of the tokens of which this share is replaced by <unk>, up to the last;
            None: none. Lample et al. 2016, https://arxiv.org/abs/1603.01360, section 4.3.
        rare_dropout: that share.
    """

    def __init__(
        self,
        vocabulary: int,
        size: int,
        *,
        word_dropout: float = 0.0,
        dropout: float = 0.0,
        rare: int | None = None,
        rare_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.rare = vocabulary if rare is None else rare
        self.rare_dropout = rare_dropout
        self.table = nn.Embedding(vocabulary, size, padding_idx=0)
        nn.init.normal_(self.table.weight, std=0.1)
        self.word_dropout = word_dropout
        self.dropout = Dropout(dropout)

    def forward(self, x: Int[Tensor, "batch time"]) -> Float[Tensor, "batch time input"]:
        """Return the vectors of the tokens."""
        inputs.tensor("TokenEmbedding", "x", x)
        inputs.taken("TokenEmbedding", "x", self.table, x)
        if self.training and self.word_dropout:
            dropped = torch.rand(x.shape, device=x.device) < self.word_dropout
            x = torch.where(dropped & (x > 0), UNKNOWN, x)
        if self.training and self.rare_dropout:
            dropped = torch.rand(x.shape, device=x.device) < self.rare_dropout
            x = torch.where(dropped & (x >= self.rare), UNKNOWN, x)
        vectors: Tensor = self.dropout(self.table(x))
        return vectors


class FirstColumn(TokenEmbedding):
    """The vectors of tokens that are the first of several columns; the others are not looked at."""

    def forward(self, x: Int[Tensor, "batch time columns"]) -> Float[Tensor, "batch time input"]:
        """Return the vectors."""
        return super().forward(x[..., 0])
