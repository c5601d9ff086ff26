"""Long short-term memory."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from recurra.cells.base import Cell, Draw
from recurra.cells.initialisation import linear, orthogonal_blocks, start_gates
from recurra.inputs import Count


class LSTMState(NamedTuple):
    """Output and memory of an `LSTM`."""

    h: Float[Tensor, "batch hidden"]
    c: Float[Tensor, "batch hidden"]


class LSTM(Cell[LSTMState]):
    """Long short-term memory, with a forget gate and without peepholes.

        i = σ(Wi x + Ui h + bi)    f = σ(Wf x + Uf h + bf)
        g = tanh(Wg x + Ug h + bg) o = σ(Wo x + Uo h + bo)
        c' = f ⊙ c + i ⊙ g         h' = o ⊙ tanh(c')

    Gers, Schmidhuber and Cummins 2000, https://doi.org/10.1162/089976600300015015, sections
    2 and 3.1. Differs from it: g and the read-out use tanh; one block per cell.
    Gates lie in the order i, f, g, o, as in `torch.nn.LSTM`; its two biases are one here.

    Args:
        input_size: length of x.
        hidden_size: length of h and c, and of the output.
        time_scale: longest dependency expected, in steps: chrono initialisation of the gates'
            biases. Where it is not given, the forget gate's bias is 1.
    Raises:
        ValueError: a size is not positive, or time_scale is below 2.
    """

    def __init__(
        self, input_size: int, hidden_size: int, *, time_scale: float | None = None
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.from_input = nn.Parameter(torch.empty(4 * hidden_size, input_size))
        self.from_state = nn.Parameter(torch.empty(4 * hidden_size, hidden_size))
        self.bias = nn.Parameter(torch.zeros(4 * hidden_size))
        linear(self.from_input)
        orthogonal_blocks(self.from_state)
        start_gates(self, time_scale)

    def remember(self, bias: Draw, *, opposed: bool = False) -> None:
        """Set bf, and bi = 0 or −bf."""
        i, f, _, _ = self.bias.detach().chunk(4)
        f.copy_(bias(len(f)))
        i.copy_(-f if opposed else torch.zeros_like(f))

    def initial_state(self, batch: Count) -> LSTMState:
        """Return zeros."""
        return LSTMState(self.zeros(batch, self.hidden_size), self.zeros(batch, self.hidden_size))

    def project(self, x: Float[Tensor, "*axes input"]) -> Float[Tensor, "*axes gates"]:
        """Return W x + b, the four gates side by side."""
        return nn.functional.linear(x, self.from_input, self.bias)

    def step(
        self, u: Float[Tensor, "batch gates"], state: LSTMState
    ) -> tuple[Float[Tensor, "batch hidden"], LSTMState]:
        """Return h' and (h', c')."""
        h, c = state
        i, f, g, o = (u + h @ self.from_state.T).chunk(4, dim=-1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        return h, LSTMState(h, c)
