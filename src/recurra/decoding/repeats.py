"""Passages that a search may not write twice."""

from jaxtyping import Int
from torch import Tensor

from recurra.errors import RecurraError


def repeating(
    written: Int[Tensor, "places steps"], size: int
) -> tuple[Int[Tensor, "found"], Int[Tensor, "found"]]:
    """Return the tokens that would end a passage that was written before, and in which places.

        y_{t+1} is none where y_{t−n+2} … y_{t+1} = y_{i−n+1} … y_i for an i ≤ t        n: size

    Paulus et al. 2018, https://arxiv.org/abs/1705.04304, section 2.5, where n is 3. With n, a
    passage of p ≥ n/2 tokens never stands three times in a row: the n tokens from its first on
    would stand again from its second on.

    Args:
        written: the tokens so far, of each place of a search.
        size: n, 1 or more.
    Returns:
        (places, tokens), in pairs.
    """
    if written.shape[1] < size:
        nothing = written.new_zeros(0)
        return nothing, nothing
    passages = written.unfold(1, size, 1)  # [places beginnings size]
    last = written[:, written.shape[1] - size + 1 :]
    place, beginning = (passages[..., :-1] == last[:, None]).all(-1).nonzero(as_tuple=True)
    return place, passages[place, beginning, -1]


def check(size: int) -> None:
    """Refuse a size that is none.

    Raises:
        RecurraError: it is below 0.
    """
    if size < 0:
        raise RecurraError(f"no_repeat is {size}; it is a number of tokens, or 0: any may repeat")
