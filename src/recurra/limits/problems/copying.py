"""The copy memory problem."""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from recurra.errors import InputError

SYMBOLS, COPIED = 8, 10  # kinds, and how many are to be remembered
KINDS = SYMBOLS + 2  # with the blank and the mark


def copying(
    rows: int, steps: int, generator: torch.Generator
) -> tuple[Float[Tensor, "rows all 10"], Int[Tensor, "rows all"]]:
    """Return ten symbols, then blanks, a mark, and room to say the ten again; and what to say.

        x: s_1 … s_10, steps − 1 blanks, the mark, 10 blanks      y: steps + 10 blanks, s_1 … s_10

    with s_k one of 8, each as one of 10 axes: blank, symbols, mark. Arjovsky, Shah and Bengio 2016,
    https://arxiv.org/abs/1511.06464, section 4.1 ("Copying memory problem").

    Raises:
        ValueError: there are no rows or steps.
    """
    if rows < 1 or steps < 1:
        raise InputError(f"copying has {rows} rows over {steps} steps; at least 1 over 1")
    symbols = torch.randint(1, SYMBOLS + 1, (rows, COPIED), generator=generator)
    x = torch.zeros(rows, steps + 2 * COPIED, dtype=torch.long)
    y = torch.zeros_like(x)
    x[:, :COPIED] = y[:, -COPIED:] = symbols
    x[:, steps + COPIED - 1] = SYMBOLS + 1
    return functional.one_hot(x, KINDS).float(), y


def copying_chance(steps: int) -> float:
    """Return the cross entropy of blanks until the mark and of a guess of 8 after it, in nats.

        10 ln 8 / (steps + 20)

    It is where published recurrent networks stay (figure 1 of the paper above): at chance.
    """
    return COPIED * math.log(SYMBOLS) / (steps + 2 * COPIED)
