"""A word's vector from its letters: known words and unknown ones alike."""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from recurra.cells.base import Cell
from recurra.layers import Bidirectional, Recurrent
from recurra.tasks.embedding import TokenEmbedding


class Spelling(nn.Module):
    """Letters of words → a vector for each word; a word that occurs twice is spelled once.

    Args:
        characters: size of the character vocabulary.
        size: length of a character's vector.
        output_size: length of a word's.
    """

    def __init__(self, characters: int, size: int, output_size: int) -> None:
        super().__init__()
        self.characters = TokenEmbedding(characters, size)
        self.output_size = output_size

    def forward(self, x: Int[Tensor, "batch time letters"]) -> Float[Tensor, "batch time spelling"]:
        """Return the words' vectors; letters are padded by 0."""
        words, place = torch.unique(x.flatten(0, 1), dim=0, return_inverse=True)
        vectors: Tensor = self.spell(words)[place]
        return vectors.view(*x.shape[:2], self.output_size)

    def spell(self, words: Int[Tensor, "words letters"]) -> Float[Tensor, "words spelling"]:
        """Return the vectors of words."""
        raise NotImplementedError


class ConvolvedSpelling(Spelling):
    """The strongest answer of each filter to three letters in a row.

    Ma and Hovy 2016, https://arxiv.org/abs/1603.01354, section 2.1.
    """

    def __init__(self, characters: int, size: int, output_size: int) -> None:
        super().__init__(characters, size, output_size)
        self.filters = nn.Conv1d(size, output_size, kernel_size=3, padding=1)

    def spell(self, words: Int[Tensor, "words letters"]) -> Float[Tensor, "words spelling"]:
        """Return the maximum over letters."""
        strongest: Tensor = self.filters(self.characters(words).transpose(1, 2)).amax(-1)
        return strongest


class RecurrentSpelling(Spelling):
    """What a cell has read at the end of a word, and another, backward, at its beginning.

    Lample et al. 2016, https://arxiv.org/abs/1603.01360, section 4.1.

    Args:
        characters: size of the character vocabulary.
        size: length of a character's vector.
        forward_cell: reads from the first letter on.
        backward_cell: reads from the last letter on.
    """

    def __init__(
        self, characters: int, size: int, forward_cell: Cell[Any], backward_cell: Cell[Any]
    ) -> None:
        each = forward_cell.output_size
        super().__init__(characters, size, each + backward_cell.output_size)
        self.both = Bidirectional(Recurrent(forward_cell), Recurrent(backward_cell))
        self.each = each

    def spell(self, words: Int[Tensor, "words letters"]) -> Float[Tensor, "words spelling"]:
        """Return both readings' ends."""
        lengths = (words > 0).sum(-1).clamp(min=1)
        y, _ = self.both(self.characters(words), lengths=lengths)
        last = y[torch.arange(len(y), device=y.device), lengths.to(y.device) - 1]
        return torch.cat([last[:, : self.each], y[:, 0, self.each :]], dim=-1)
