"""Scalar long short-term memory of the xLSTM."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from recurra.cells.base import Cell, Draw
from recurra.cells.heads import block_linear, choose_heads
from recurra.cells.initialisation import linear, orthogonal_blocks, spread, start_gates
from recurra.inputs import Count


class SLSTMState(NamedTuple):
    """Output, memory, normaliser and stabiliser of an `SLSTM`; memory and normaliser are / e^m."""

    h: Float[Tensor, "batch hidden"]
    c: Float[Tensor, "batch hidden"]
    n: Float[Tensor, "batch hidden"]
    m: Float[Tensor, "batch hidden"]


class SLSTM(Cell[SLSTMState]):
    """LSTM with an exponential input gate, whose memory is a weighted mean of what it was given.

        i = exp(Wi x + Ri h + bi)    f = σ or exp(Wf x + Rf h + bf)
        z = tanh(Wz x + Rz h + bz)   o = σ(Wo x + Ro h + bo)
        c' = f ⊙ c + i ⊙ z           n' = f ⊙ n + i           h' = o ⊙ c'/n'

    c and n are kept as c e^−m and n e^−m, with m' = max(log f + m, log i).
    Beck et al. 2024, https://arxiv.org/abs/2405.04517, equations 8–14, and 15–17 (m).
    Differs from it: m starts at the lowest finite number, not at 0; h is the same, since it does
    not depend on m, but so n ≥ 1 after every step, whatever i. No group norm; that is a layer.
    R is block-diagonal: one block per head. Gates lie in the order i, f, z, o.

    Args:
        input_size: length of x.
        hidden_size: length of h, c, n and m, and of the output.
        heads: parts of h that do not see each other; None: the largest of 4, 2, 1 that divides
            hidden_size.
        forget: "sigmoid" or "exp", the forget gate's nonlinearity.
        time_scale: longest dependency expected, in steps: chrono initialisation of bf.
            Where it is not given, time scales from 2 to 100 steps, evenly on a log axis.
    Raises:
        ValueError: a size is not positive, heads does not divide hidden_size, there is no such
            forget gate, or time_scale is below 2.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        heads: int | None = None,
        forget: str = "sigmoid",
        time_scale: float | None = None,
    ) -> None:
        super().__init__(input_size, hidden_size)
        if forget not in ("sigmoid", "exp"):
            raise ValueError(f"forget is {forget!r}; it is 'sigmoid' or 'exp'")
        self.forget, self.heads = forget, choose_heads(hidden_size, heads)
        size = hidden_size // self.heads
        self.from_input = nn.Parameter(torch.empty(4 * hidden_size, input_size))
        self.from_state = nn.Parameter(torch.empty(4, self.heads, size, size))
        self.bias = nn.Parameter(torch.zeros(4 * hidden_size))
        linear(self.from_input)
        orthogonal_blocks(self.from_state)
        start_gates(self, time_scale, spread)

    def remember(self, bias: Draw, *, opposed: bool = False) -> None:
        """Set bf; of an exponential gate, to log σ of it."""
        _, f, _, _ = self.bias.detach().chunk(4)
        f.copy_(bias(len(f)))
        if self.forget == "exp":
            f.copy_(nn.functional.logsigmoid(f))

    def initial_state(self, batch: Count) -> SLSTMState:
        """Return zeros, and for m the lowest number that can still be added to."""
        zeros = self.zeros(batch, self.hidden_size)
        return SLSTMState(zeros, zeros, zeros, zeros + torch.finfo(zeros.dtype).min / 2)

    def project(self, x: Float[Tensor, "*axes input"]) -> Float[Tensor, "*axes gates"]:
        """Return W x + b, the four gates side by side."""
        return nn.functional.linear(x, self.from_input, self.bias)

    def step(
        self, u: Float[Tensor, "batch gates"], state: SLSTMState
    ) -> tuple[Float[Tensor, "batch hidden"], SLSTMState]:
        """Return h' and (h', c', n', m')."""
        h, c, n, m = state
        i, f, z, o = (u + block_linear(h, self.from_state)).chunk(4, dim=-1)
        kept = m + (nn.functional.logsigmoid(f) if self.forget == "sigmoid" else f)
        m = torch.maximum(kept, i)
        f, i = torch.exp(kept - m), torch.exp(i - m)
        c = f * c + i * torch.tanh(z)
        n = f * n + i
        h = torch.sigmoid(o) * c / n
        return h, SLSTMState(h, c, n, m)
