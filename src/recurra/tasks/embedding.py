"""Tokens and words as vectors."""

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
    """

    def __init__(
        self, vocabulary: int, size: int, *, word_dropout: float = 0.0, dropout: float = 0.0
    ) -> None:
        super().__init__()
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
        vectors: Tensor = self.dropout(self.table(x))
        return vectors


class WordEmbedding(nn.Module):
    """A word as its own vector, its spelling's (a convolution over characters), and its shape's.

    x[..., 0] is the word, x[..., 1] its shape (capitalisation, digits), the rest its characters,
    padded by 0. Ma and Hovy 2016, https://arxiv.org/abs/1603.01354, section 2.1.

    Args:
        words: size of the word vocabulary.
        shapes: number of shapes.
        characters: size of the character vocabulary.
        size: length of a word's vector; characters take half as much, shapes 8.
        word_dropout: share of words replaced by <unk>, so that spelling and context are learned.
        dropout: share of features dropped.
    """

    def __init__(
        self,
        words: int,
        shapes: int,
        characters: int,
        size: int,
        *,
        word_dropout: float = 0.0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        half = max(size // 2, 1)
        self.words = TokenEmbedding(words, size, word_dropout=word_dropout)
        self.shapes = TokenEmbedding(shapes, 8)
        self.characters = TokenEmbedding(characters, half)
        self.spelling = nn.Conv1d(half, half, kernel_size=3, padding=1)
        self.dropout = Dropout(dropout)
        self.output_size = size + half + 8

    def forward(self, x: Int[Tensor, "batch time columns"]) -> Float[Tensor, "batch time input"]:
        """Return the three vectors side by side."""
        batch, time, _ = x.shape
        letters = self.characters(x[..., 2:].flatten(0, 1))
        spelling = self.spelling(letters.transpose(1, 2)).amax(-1).view(batch, time, -1)
        parts = [self.words(x[..., 0]), self.shapes(x[..., 1]), spelling]
        vectors: Tensor = self.dropout(torch.cat(parts, dim=-1))
        return vectors
