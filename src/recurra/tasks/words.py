"""Words as vectors: each its own, its shape's, its spelling's, and what is remembered of it."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from recurra.layers.dropout import Dropout
from recurra.tasks.embedding import TokenEmbedding
from recurra.tasks.spelling import Spelling

AROUND = 5  # words: itself, and two on both sides


class WordEmbedding(nn.Module):
    """A word as its own vector, its shape's, and its spelling's, side by side.

    x[..., 0] is the word, x[..., 1] its shape (capitalisation, digits), the rest its characters,
    padded by 0.

    With a memory, x[..., 2] is equal where two words of a row are the same, and 0 beyond lengths;
    a word then has what stands around it at every place of the row, too, in the mean:

        m_t = Σ_{s: same_s = same_t} c_s / Σ_{s: same_s = same_t} 1,    c = ReLU(conv(vectors))

    After the context aggregation of Ratinov and Roth 2009, https://aclanthology.org/W09-1119,
    section 5.1.

    Args:
        words: ids → vectors of words.
        shapes: number of shapes; their vectors have 8 numbers.
        spelling: letters → vectors of words.
        dropout: share of features dropped.
        memory: features of what stands around a word; 0: no memory.
    """

    def __init__(
        self,
        words: TokenEmbedding,
        shapes: int,
        spelling: Spelling,
        *,
        dropout: float = 0.0,
        memory: int = 0,
    ) -> None:
        super().__init__()
        self.words, self.shapes, self.spelling = words, TokenEmbedding(shapes, 8), spelling
        self.dropout = Dropout(dropout)
        size = words.table.embedding_dim + 8 + spelling.output_size
        self.output_size = size + memory
        self.context: nn.Conv1d | None = None
        if memory:
            self.context = nn.Conv1d(size, memory, AROUND, padding=AROUND // 2)

    def forward(self, x: Int[Tensor, "batch time columns"]) -> Float[Tensor, "batch time input"]:
        """Return the vectors of each word, and what is remembered of it."""
        first = 2 if self.context is None else 3
        parts = [self.words(x[..., 0]), self.shapes(x[..., 1]), self.spelling(x[..., first:])]
        vectors: Tensor = self.dropout(torch.cat(parts, dim=-1))
        if self.context is None:
            return vectors
        return torch.cat([vectors, self._remembered(vectors, x[..., 2])], dim=-1)

    def _remembered(
        self, vectors: Float[Tensor, "batch time vector"], same: Int[Tensor, "batch time"]
    ) -> Float[Tensor, "batch time memory"]:
        """Return the mean of what stands around each word, over all its places in the row."""
        assert self.context is not None
        live = (same > 0)[:, None]
        around = self.context(vectors.transpose(1, 2) * live).relu().transpose(1, 2)
        equal = ((same[:, :, None] == same[:, None, :]) & live).to(vectors.dtype)
        mean: Tensor = equal @ around / equal.sum(-1, keepdim=True).clamp(min=1)
        return mean
