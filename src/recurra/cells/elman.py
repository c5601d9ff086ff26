"""Simple recurrent network."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from recurra.cells.base import Cell
from recurra.cells.initialisation import linear, orthogonal_blocks
from recurra.inputs import Count


class ElmanState(NamedTuple):
    """Hidden state of an `Elman`."""

    h: Float[Tensor, "batch hidden"]


class Elman(Cell[ElmanState]):
    """Simple recurrent network: the hidden state is fed back as context.

        h' = φ(W x + U h + b)        φ: tanh or relu

    Elman 1990, https://doi.org/10.1207/s15516709cog1402_1, section "Networks with memory";
    with relu the IRNN of Le, Jaitly and Hinton 2015, https://arxiv.org/abs/1504.00941, section 2.
    Differs from them: φ of the first is σ; U starts orthogonal for tanh, and as 0.99·I for relu
    where IRNN has I, so that a bounded input holds h bounded: |h| ≤ 100 max|W x + b|. W starts
    uniform, not at scale 0.001.

    Args:
        input_size: length of x.
        hidden_size: length of h, and of the output.
        nonlinearity: "tanh" or "relu".
    Raises:
        ValueError: a size is not positive, or there is no such nonlinearity.
    """

    def __init__(self, input_size: int, hidden_size: int, *, nonlinearity: str = "tanh") -> None:
        super().__init__(input_size, hidden_size)
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"nonlinearity is {nonlinearity!r}; it is 'tanh' or 'relu'")
        self.nonlinearity = nonlinearity
        self.from_input = nn.Parameter(torch.empty(hidden_size, input_size))
        self.from_state = nn.Parameter(0.99 * torch.eye(hidden_size))
        self.bias = nn.Parameter(torch.zeros(hidden_size))
        linear(self.from_input)
        if nonlinearity == "tanh":
            orthogonal_blocks(self.from_state)

    def initial_state(self, batch: Count) -> ElmanState:
        """Return zeros."""
        return ElmanState(self.zeros(batch, self.hidden_size))

    def project(self, x: Float[Tensor, "*axes input"]) -> Float[Tensor, "*axes hidden"]:
        """Return W x + b."""
        return nn.functional.linear(x, self.from_input, self.bias)

    def step(
        self, u: Float[Tensor, "batch hidden"], state: ElmanState
    ) -> tuple[Float[Tensor, "batch hidden"], ElmanState]:
        """Return h' twice: it is output and state."""
        a = u + state.h @ self.from_state.T
        h = torch.tanh(a) if self.nonlinearity == "tanh" else torch.relu(a)
        h = h.to(state.h.dtype)  # autocast multiplies in fewer bits
        return h, ElmanState(h)
