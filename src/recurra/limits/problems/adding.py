"""The adding problem."""

import torch
from jaxtyping import Float
from torch import Tensor

from recurra.errors import InputError

ADDING_CHANCE = 1 / 6  # the squared error of always saying 1: the variance of u₁ + u₂, 2 · 1/12


def adding(
    rows: int, steps: int, generator: torch.Generator
) -> tuple[Float[Tensor, "rows steps 2"], Float[Tensor, "rows"]]:
    """Return sequences of numbers of which two are marked, and the sum of those two.

        x_t = (u_t, m_t)      u_t ~ U(0, 1)      y = Σ u_t m_t
        m_t = 1 at one step of each half, else 0

    Arjovsky, Shah and Bengio 2016, https://arxiv.org/abs/1511.06464, section 4.2 ("Adding
    problem"), after Hochreiter and Schmidhuber 1997. Chance is to say 1 always: 1/6 ≈ 0.167.

    Raises:
        ValueError: there are no rows, or fewer than two steps.
    """
    if rows < 1 or steps < 2:
        raise InputError(f"adding has {rows} rows of {steps} steps; at least 1 of 2")
    numbers = torch.rand(rows, steps, generator=generator)
    half = steps // 2
    first = torch.randint(0, half, (rows, 1), generator=generator)
    second = torch.randint(half, steps, (rows, 1), generator=generator)
    marks = torch.zeros(rows, steps).scatter_(1, torch.cat([first, second], 1), 1.0)
    return torch.stack([numbers, marks], dim=-1), (numbers * marks).sum(1)
