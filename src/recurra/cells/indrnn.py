"""Independently recurrent neural network."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from recurra.cells.base import Cell, Draw
from recurra.cells.initialisation import linear, start_gates
from recurra.inputs import Count


class IndRNNState(NamedTuple):
    """Hidden state of an `IndRNN`."""

    h: Float[Tensor, "batch hidden"]


class IndRNN(Cell[IndRNNState]):
    """Simple recurrent network whose units see each other only through the next layer.

        h' = relu(W x + u ⊙ h + b)        |u| ≤ 2^(1/T)

    Li et al. 2018, https://arxiv.org/abs/1803.04831, section 3 (the recurrence) and 3.1 (the
    bound of u, which holds the gradient of T steps below 2).
    Differs from it: u is bounded where it is used, with the gradient of the unbounded weight,
    which can so come back; given T, u starts at decays whose time scales lie evenly below T.

    Args:
        input_size: length of x.
        hidden_size: length of h, and of the output.
        time_scale: T, longest dependency expected, in steps. Where it is not given, |u| ≤ 1,
            the bound for any length, and u starts as U(0, 1).
    Raises:
        ValueError: a size is not positive, or time_scale is below 2.
    """

    def __init__(
        self, input_size: int, hidden_size: int, *, time_scale: float | None = None
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.from_input = nn.Parameter(torch.empty(hidden_size, input_size))
        self.from_state = nn.Parameter(torch.empty(hidden_size))
        self.bias = nn.Parameter(torch.zeros(hidden_size))
        if time_scale is None:
            self.max_abs = 1.0
            nn.init.uniform_(self.from_state)
        else:
            start_gates(self, time_scale)
            self.max_abs = 2 ** (1 / time_scale)
        linear(self.from_input)

    def remember(self, bias: Draw, *, opposed: bool = False) -> None:
        """Set u to σ(bias); the bound of u stays as it is."""
        self.from_state.detach().copy_(torch.sigmoid(bias(self.hidden_size)))

    def initial_state(self, batch: Count) -> IndRNNState:
        """Return zeros."""
        return IndRNNState(self.zeros(batch, self.hidden_size))

    def project(self, x: Float[Tensor, "*axes input"]) -> Float[Tensor, "*axes hidden"]:
        """Return W x + b."""
        return nn.functional.linear(x, self.from_input, self.bias)

    def recurrence(self) -> Float[Tensor, "hidden"]:
        """Return u, within its bound."""
        u = self.from_state
        # a plain clamp has no gradient outside: a weight that left would never come back
        return u + (u.clamp(-self.max_abs, self.max_abs) - u).detach()

    def step(
        self, u: Float[Tensor, "batch hidden"], state: IndRNNState
    ) -> tuple[Float[Tensor, "batch hidden"], IndRNNState]:
        """Return h' twice: it is output and state."""
        h = torch.relu(u + self.recurrence() * state.h)
        return h, IndRNNState(h)
