"""Minimal gated recurrent unit."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from recurra.cells.base import Affine, Draw, LinearCell
from recurra.cells.initialisation import linear, start_gates
from recurra.inputs import Count


class MinGRUState(NamedTuple):
    """Hidden state of a `MinGRU`."""

    h: Float[Tensor, "batch hidden"]


class MinGRU(LinearCell[MinGRUState]):
    """Gated recurrent unit whose gate and candidate see the input alone, so that time scans.

        z = σ(Wz x + bz)    h̃ = g(Wh x + bh)    g(a) = a + ½ where a ≥ 0, else σ(a)
        h' = (1 − z) ⊙ h + z ⊙ h̃

    Feng et al. 2024, https://arxiv.org/abs/2410.01201, section 3.1 and appendix B (g).
    Differs from it: computed in linear space, which loses no gradient over long sequences.

    Args:
        input_size: length of x.
        hidden_size: length of h, and of the output.
        time_scale: longest dependency expected, in steps: chrono initialisation of bz.
            Where it is not given, bz is −1: a step keeps about three quarters of the state.
    Raises:
        ValueError: a size is not positive, or time_scale is below 2.
    """

    def __init__(
        self, input_size: int, hidden_size: int, *, time_scale: float | None = None
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.from_input = nn.Parameter(torch.empty(2 * hidden_size, input_size))
        self.bias = nn.Parameter(torch.zeros(2 * hidden_size))
        linear(self.from_input)
        start_gates(self, time_scale)

    def remember(self, bias: Draw, *, opposed: bool = False) -> None:
        """Set −bz."""
        z, _ = self.bias.detach().chunk(2)
        z.copy_(-bias(len(z)))

    def initial_state(self, batch: Count) -> MinGRUState:
        """Return zeros."""
        return MinGRUState(self.zeros(batch, self.hidden_size))

    def project(self, x: Float[Tensor, "*axes input"]) -> Float[Tensor, "*axes gates"]:
        """Return W x + b: gate and candidate side by side."""
        return nn.functional.linear(x, self.from_input, self.bias)

    def transition(self, u: Float[Tensor, "*axes gates"]) -> Affine:
        """Return h ← (1 − z) h + z h̃."""
        z, candidate = u.chunk(2, dim=-1)
        candidate = torch.where(candidate >= 0, candidate + 0.5, torch.sigmoid(candidate))
        return Affine(torch.sigmoid(-z), torch.sigmoid(z) * candidate)

    def read(
        self, u: Float[Tensor, "*axes gates"], state: MinGRUState
    ) -> Float[Tensor, "*axes hidden"]:
        """Return h."""
        return state.h
