"""A task whose answer depends on what comes next."""

from math import comb

import torch
from jaxtyping import Float
from torch import Tensor

from recurra.errors import InputError


def majority(
    rows: int, steps: int, ahead: int, generator: torch.Generator
) -> tuple[Float[Tensor, "rows longer 1"], Float[Tensor, "rows steps"]]:
    """Return fair coins, and at each step which side most of it and the next ones show.

        x_t = ±1      y_t = 1 where x_t + … + x_{t+ahead} > 0, else 0

    The coins after the last step that is asked about are given too, so that each is asked fairly.

    Raises:
        ValueError: there are no rows or steps, or `ahead` is odd: then sides can be equal.
    """
    if rows < 1 or steps < 1 or ahead < 0 or ahead % 2:
        raise InputError(
            f"majority has {rows} rows of {steps} steps, {ahead} ahead; at least 1 of 1, and an "
            "even number ahead"
        )
    coins = torch.randint(0, 2, (rows, steps + ahead), generator=generator).float() * 2 - 1
    sums = coins.unfold(1, ahead + 1, 1).sum(-1)
    return coins[..., None], (sums > 0).float()


def best_guess(ahead: int, known: int) -> float:
    """Return the accuracy of the best answer that knows a step and the `known` ones after it.

        Σ_k C(known + 1, k) 2^−(known + 1) max(p_k, 1 − p_k)

    with p_k the chance that heads win where k heads are known; `known` beyond `ahead` is no better.

    Raises:
        ValueError: `ahead` is odd or below 0, or `known` is below 0.
    """
    if ahead < 0 or ahead % 2 or known < 0:
        raise InputError(f"{ahead} ahead, {known} known; an even number, and 0 or more")
    seen = min(known, ahead) + 1
    hidden = ahead + 1 - seen
    total = 0.0
    for heads in range(seen + 1):
        wins = sum(comb(hidden, k) for k in range(hidden + 1) if 2 * (heads + k) > ahead + 1)
        p = wins / 2**hidden
        total += comb(seen, heads) / 2**seen * max(p, 1 - p)
    return total
