"""The likeliest sequence: greedy and beam search."""

from collections.abc import Collection
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from recurra.decoding.hypothesis import Hypothesis
from recurra.decoding.search import Generator, search
from recurra.errors import RecurraError


def greedy(
    generator: Generator,
    context: tuple[Any, ...],
    *,
    start: int,
    end: int,
    max_steps: int,
    prefix: Int[Tensor, "batch prefix"] | None = None,
    forbidden: Collection[int] = (),
    no_repeat: int = 0,
) -> list[Hypothesis]:
    """Write the likeliest token at every step.

    Args:
        generator: the trained network, in evaluation mode.
        context: what `generator.start` takes.
        start: token that stands before the first one.
        end: token that ends a sequence.
        max_steps: most tokens, the end token among them.
        prefix: tokens to begin with; they are part of the hypothesis and of its score.
        forbidden: tokens that are never chosen (a prefix may hold them).
        no_repeat: no passage of so many tokens is written a second time; 0: any may be. What a
            prefix holds counts, and is not changed.
    Returns:
        One hypothesis per row.
    Raises:
        RecurraError: max_steps is below 1, no_repeat below 0, or the prefix does not fit.
    """
    return [
        row[0]
        for row in search(
            generator,
            context,
            lambda totals, _: totals.argmax(-1, keepdim=True),
            start=start,
            end=end,
            max_steps=max_steps,
            prefix=prefix,
            forbidden=forbidden,
            no_repeat=no_repeat,
        )
    ]


def beam(
    generator: Generator,
    context: tuple[Any, ...],
    *,
    start: int,
    end: int,
    max_steps: int,
    width: int,
    length_penalty: float = 0.0,
    prefix: Int[Tensor, "batch prefix"] | None = None,
    forbidden: Collection[int] = (),
    no_repeat: int = 0,
) -> list[list[Hypothesis]]:
    """Search for the best sequence among the `width` likeliest beginnings of each length.

        normalised = score / ((5 + n) / 6)^α        n: tokens, the end token among them

    Wu et al. 2016, https://arxiv.org/abs/1609.08144, equation 14, without coverage.
    A hypothesis that ends keeps its place in the beam, and the others go on in what is left. A
    row stops when no place is left, or when nothing alive can still overtake its best.

    Args:
        generator, context, start, end, max_steps, prefix, forbidden, no_repeat: as in `greedy`.
        width: places in the beam; 1 is greedy.
        length_penalty: α; 0: the likeliest sequence; above: longer ones are favoured.
    Returns:
        Each row's hypotheses, at most `width`, best first: those that ended, then those that
        max_steps cut short.
    Raises:
        RecurraError: a number is out of its range.
    """
    if width < 1 or length_penalty < 0:
        raise RecurraError(
            f"beam width {width}, length penalty {length_penalty}: the width is at least 1, "
            "the penalty 0 or more"
        )
    return search(
        generator,
        context,
        lambda totals, _: first(totals, width),
        width=width,
        alpha=length_penalty,
        start=start,
        end=end,
        max_steps=max_steps,
        prefix=prefix,
        forbidden=forbidden,
        no_repeat=no_repeat,
    )


def first(totals: Float[Tensor, "batch choices"], width: int) -> Int[Tensor, "batch width"]:
    """Return the places of the `width` greatest in falling order, of equal ones the first.

    `topk` leaves open which of equal ones it takes; a stable sort does not, and takes far longer.
    """
    ranked, taken = totals.topk(min(width + 1, totals.shape[1]))
    last = ranked[:, width - 1]
    if bool(((last == ranked[:, -1]) & (last > -torch.inf)).any()):
        return totals.sort(stable=True, descending=True).indices[:, :width]
    taken = taken[:, :width].sort(-1).values
    order = totals.gather(1, taken).argsort(dim=-1, descending=True, stable=True)
    return taken.gather(1, order)
