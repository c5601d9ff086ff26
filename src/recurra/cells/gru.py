"""Gated recurrent unit."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from recurra.cells.base import Cell, Draw
from recurra.cells.initialisation import linear, orthogonal_blocks, start_gates
from recurra.inputs import Count


class GRUState(NamedTuple):
    """Hidden state of a `GRU`."""

    h: Float[Tensor, "batch hidden"]


class GRU(Cell[GRUState]):
    """Gated recurrent unit, with the reset gate inside the candidate (as cuDNN has it).

        r = σ(Wr x + Ur h + br)    z = σ(Wz x + Uz h + bz)
        n = tanh(Wn x + bn + r ⊙ (Un h + cn))
        h' = (1 − z) ⊙ n + z ⊙ h

    Cho et al. 2014, https://arxiv.org/abs/1406.1078, equations 5–8.
    Differs from it: r multiplies Un h + cn, not h, so that one matrix product serves all gates;
    biases. Gates lie in the order r, z, n, as in `torch.nn.GRU`; its biases of r and of z are one
    each here, and cn is `state_bias`.

    Args:
        input_size: length of x.
        hidden_size: length of h, and of the output.
        time_scale: longest dependency expected, in steps: chrono initialisation of bz.
            Where it is not given, bz is 1: a step keeps about three quarters of the state.
    Raises:
        ValueError: a size is not positive, or time_scale is below 2.
    """

    def __init__(
        self, input_size: int, hidden_size: int, *, time_scale: float | None = None
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.from_input = nn.Parameter(torch.empty(3 * hidden_size, input_size))
        self.from_state = nn.Parameter(torch.empty(3 * hidden_size, hidden_size))
        self.bias = nn.Parameter(torch.zeros(3 * hidden_size))
        self.state_bias = nn.Parameter(torch.zeros(hidden_size))
        linear(self.from_input)
        orthogonal_blocks(self.from_state)
        start_gates(self, time_scale)

    def remember(self, bias: Draw, *, opposed: bool = False) -> None:
        """Set bz."""
        _, z, _ = self.bias.detach().chunk(3)
        z.copy_(bias(len(z)))

    def initial_state(self, batch: Count) -> GRUState:
        """Return zeros."""
        return GRUState(self.zeros(batch, self.hidden_size))

    def project(self, x: Float[Tensor, "*axes input"]) -> Float[Tensor, "*axes gates"]:
        """Return W x + b, the three gates side by side."""
        return nn.functional.linear(x, self.from_input, self.bias)

    def step(
        self, u: Float[Tensor, "batch gates"], state: GRUState
    ) -> tuple[Float[Tensor, "batch hidden"], GRUState]:
        """Return h' twice: it is output and state."""
        h = state.h
        r, z, n = u.chunk(3, dim=-1)
        hr, hz, hn = (h @ self.from_state.T).chunk(3, dim=-1)
        z = torch.sigmoid(z + hz)
        n = torch.tanh(n + torch.sigmoid(r + hr) * (hn + self.state_bias))
        h = (1 - z) * n + z * h
        return h, GRUState(h)
