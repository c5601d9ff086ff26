"""Minimal long short-term memory."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from recurra.cells.base import Affine, Draw, LinearCell
from recurra.cells.initialisation import linear, start_gates
from recurra.inputs import Count


class MinLSTMState(NamedTuple):
    """Hidden state of a `MinLSTM`."""

    h: Float[Tensor, "batch hidden"]


class MinLSTM(LinearCell[MinLSTMState]):
    """LSTM whose gates and candidate see the input alone, so that time scans.

        f = σ(Wf x + bf)    i = σ(Wi x + bi)    h̃ = g(Wh x + bh)
        h' = f/(f + i) ⊙ h + i/(f + i) ⊙ h̃      g(a) = a + ½ where a ≥ 0, else σ(a)

    Feng et al. 2024, https://arxiv.org/abs/2410.01201, section 3.2 and appendix B (g).
    Differs from it: computed in linear space, which loses no gradient over long sequences; only
    the gates' quotient is formed of logarithms, f/(f + i) = σ(log f − log i), which does not
    become 0/0 where both gates close. Gates lie in the order f, i, h.

    Args:
        input_size: length of x.
        hidden_size: length of h, and of the output.
        time_scale: longest dependency expected, in steps: chrono initialisation of bf and
            bi = −bf. Where it is not given, bf is 1: a step keeps about three quarters of h.
    Raises:
        ValueError: a size is not positive, or time_scale is below 2.
    """

    def __init__(
        self, input_size: int, hidden_size: int, *, time_scale: float | None = None
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.from_input = nn.Parameter(torch.empty(3 * hidden_size, input_size))
        self.bias = nn.Parameter(torch.zeros(3 * hidden_size))
        linear(self.from_input)
        start_gates(self, time_scale)

    def remember(self, bias: Draw, *, opposed: bool = False) -> None:
        """Set bf, and bi = −bf: so f/(f + i) = σ(bf)."""
        f, i, _ = self.bias.detach().chunk(3)
        f.copy_(bias(len(f)))
        i.copy_(-f)

    def initial_state(self, batch: Count) -> MinLSTMState:
        """Return zeros."""
        return MinLSTMState(self.zeros(batch, self.hidden_size))

    def project(self, x: Float[Tensor, "*axes input"]) -> Float[Tensor, "*axes gates"]:
        """Return W x + b: both gates and the candidate side by side."""
        return nn.functional.linear(x, self.from_input, self.bias)

    def transition(self, u: Float[Tensor, "*axes gates"]) -> Affine:
        """Return h ← f/(f + i) h + i/(f + i) h̃."""
        f, i, candidate = u.chunk(3, dim=-1)
        # softplus cuts off at 20 and would be 2e-9 wrong there; logsigmoid is exact
        ratio = nn.functional.logsigmoid(f) - nn.functional.logsigmoid(i)
        candidate = torch.where(candidate >= 0, candidate + 0.5, torch.sigmoid(candidate))
        return Affine(torch.sigmoid(ratio), torch.sigmoid(-ratio) * candidate)

    def read(
        self, u: Float[Tensor, "*axes gates"], state: MinLSTMState
    ) -> Float[Tensor, "*axes hidden"]:
        """Return h."""
        return state.h
