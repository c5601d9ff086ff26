"""Sequences drawn by chance, from all tokens or among the likeliest."""

import math
from collections.abc import Callable, Collection
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from recurra.decoding.hypothesis import Hypothesis
from recurra.decoding.search import Generator, search
from recurra.errors import RecurraError


def sample(
    generator: Generator,
    context: tuple[Any, ...],
    *,
    start: int,
    end: int,
    max_steps: int,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    generator_seed: torch.Generator | None = None,
    prefix: Int[Tensor, "batch prefix"] | None = None,
    forbidden: Collection[int] = (),
    no_repeat: int = 0,
    tell: Callable[[list[int]], None] | None = None,
) -> list[Hypothesis]:
    """Draw a token at every step.

        p ∝ exp(logits / temperature), among the top_k likeliest, and of those (their p adding up
        to 1) among the fewest likeliest that together reach top_p

    Holtzman et al. 2020, https://arxiv.org/abs/1904.09751, sections 3.1 (top-p), 3.2 (top-k),
    3.3 (temperature). In this order, so that they keep what transformers and vLLM keep.

    Args:
        generator, context, start, end, max_steps, prefix, forbidden, no_repeat: as in `greedy`.
        temperature: 1 as trained; 0 the likeliest token.
        top_k: 0: all; 1: the likeliest, as `greedy`; above: and what is as likely as the last.
        top_p: 1: all.
        generator_seed: source of randomness; rows take from it one after the other, so the
            rows of a batch are those written one by one. None: torch's own.
        tell: is given each step's tokens, one per row, as soon as they are drawn; those of a row
            that has ended mean nothing.
    Returns:
        One hypothesis per row. Its score is the network's log probability, whatever the filters.
    Raises:
        RecurraError: a number is out of its range.
    """
    if not (0 <= temperature < math.inf and top_k >= 0 and 0 < top_p <= 1):
        raise RecurraError(
            f"temperature {temperature}, top_k {top_k}, top_p {top_p}: temperature and top_k are "
            "0 or more, top_p is above 0 and at most 1"
        )
    noise: list[Tensor] = []

    def draw(totals: Tensor, step: int) -> Tensor:
        if temperature == 0 or top_k == 1:
            return totals.argmax(-1, keepdim=True)
        if not noise:
            noise.append(_uniform((len(totals), max_steps), generator_seed).to(totals.device))
        p, tokens = filtered(totals, temperature, top_k, top_p)
        reached = p.cumsum(-1)
        rank = torch.searchsorted(reached, noise[0][:, step, None] * reached[:, -1:], right=True)
        # a row that has ended keeps nothing: its rank is any
        rank = rank.minimum((p > 0).sum(-1, keepdim=True) - 1).clamp(min=0)
        return tokens.gather(1, rank)

    return [
        row[0]
        for row in search(
            generator,
            context,
            draw,
            start=start,
            end=end,
            max_steps=max_steps,
            prefix=prefix,
            forbidden=forbidden,
            no_repeat=no_repeat,
            tell=tell,
        )
    ]


def filtered(
    logits: Float[Tensor, "batch vocabulary"], temperature: float, top_k: int, top_p: float
) -> tuple[Float[Tensor, "batch vocabulary"], Int[Tensor, "batch vocabulary"]]:
    """Return probabilities in falling order, 0 where a token is not kept, and whose they are.

    Of equal tokens the first comes first. At least one is kept, where any logit is finite.
    """
    ranked, tokens = logits.sort(stable=True, descending=True)
    if 0 < top_k < ranked.shape[1]:
        ranked = ranked.masked_fill(ranked < ranked[:, top_k - 1, None], -torch.inf)
    # less the greatest before the division: a tiny temperature must not make all of them infinite
    p = ((ranked - ranked[:, :1]) / temperature).softmax(-1)
    if top_p < 1:
        p = p * (p.cumsum(-1) - p < top_p)
    return p, tokens


def _uniform(shape: tuple[int, int], source: torch.Generator | None) -> Float[Tensor, "batch time"]:
    device = None if source is None else source.device
    return torch.rand(shape, generator=source, dtype=torch.float64, device=device)
