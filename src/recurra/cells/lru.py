"""Linear recurrent unit."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from recurra.cells.base import LinearCell, Rotation, lift
from recurra.cells.initialisation import linear, ring
from recurra.inputs import Count


class LRUState(NamedTuple):
    """Complex hidden state of an `LRU`, as a real pair."""

    re: Float[Tensor, "batch hidden"]
    im: Float[Tensor, "batch hidden"]


class LRU(LinearCell[LRUState]):
    """Linear recurrence with a complex diagonal: each unit is a damped rotation.

        λ = exp(−exp(ν) + i exp(θ))
        h' = λ ⊙ h + exp(γ) ⊙ (B x)        y = Re(C h') + D x

    Orvieto et al. 2023, https://arxiv.org/abs/2303.06349, sections 3.3 (λ) and 3.4 (γ), with the
    start of appendix A: λ uniform on the ring between two radii (lemma 3.2), and exp(γ) =
    √(1 − |λ|²), so that white input leaves h at its variance.
    Differs from it: D is a matrix, since x and y need not have one length. There is no
    nonlinearity; put one in the layers around.

    Args:
        input_size: length of x.
        hidden_size: length of h (complex) and of the output.
        min_radius: least |λ| at the start, 0 or more.
        max_radius: largest |λ| at the start, above min_radius and at most 1: a unit forgets with
            a time scale of 1/(1 − |λ|) steps.
        max_phase: largest angle of λ at the start, in radians per step, above 0; a small one
            (π/10) suits long sequences.
    Raises:
        ValueError: a size is not positive, or there is no such ring.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        min_radius: float = 0.9,
        max_radius: float = 0.999,
        max_phase: float = 2 * math.pi,
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.nu = nn.Parameter(torch.empty(hidden_size))
        self.theta = nn.Parameter(torch.empty(hidden_size))
        self.gamma = nn.Parameter(torch.empty(hidden_size))
        self.ring(min_radius, max_radius, max_phase)
        self.from_input = nn.Parameter(torch.empty(3 * hidden_size, input_size))
        self.to_output = nn.Parameter(torch.empty(hidden_size, 2 * hidden_size))
        b, d = torch.split(self.from_input.detach(), [2 * hidden_size, hidden_size])
        nn.init.normal_(b, std=1 / math.sqrt(2 * input_size))
        linear(d)
        nn.init.normal_(self.to_output, std=1 / math.sqrt(hidden_size))

    def ring(self, min_radius: float, max_radius: float, max_phase: float) -> None:
        """Start λ evenly on a ring, and γ for it.

        Raises:
            ValueError: there is no such ring.
        """
        rate, angle = ring(self.hidden_size, min_radius, max_radius, max_phase)
        self.nu.detach().copy_(rate.log())
        self.theta.detach().copy_(angle.log())
        self.gamma.detach().copy_(torch.log(-torch.expm1(-2 * rate)) / 2)

    def initial_state(self, batch: Count) -> LRUState:
        """Return zeros."""
        return LRUState(self.zeros(batch, self.hidden_size), self.zeros(batch, self.hidden_size))

    def project(self, x: Float[Tensor, "*axes input"]) -> Float[Tensor, "*axes projected"]:
        """Return Re(B x), Im(B x) and D x side by side."""
        return nn.functional.linear(x, self.from_input)

    def transition(self, u: Float[Tensor, "*axes projected"]) -> Rotation:
        """Return h ← λ h + exp(γ) B x."""
        re, im, _ = u.chunk(3, dim=-1)
        radius, angle = torch.exp(-lift(self.nu).exp()), lift(self.theta).exp()
        gamma = self.gamma.exp()
        return Rotation(
            (radius * torch.cos(angle)).expand_as(re),
            (radius * torch.sin(angle)).expand_as(im),
            gamma * re,
            gamma * im,
        )

    def read(
        self, u: Float[Tensor, "*axes projected"], state: LRUState
    ) -> Float[Tensor, "*axes hidden"]:
        """Return Re(C h) + D x; C lies as Re(C), −Im(C) side by side."""
        h = torch.cat([state.re, state.im], dim=-1)
        return nn.functional.linear(h, self.to_output) + u.chunk(3, dim=-1)[2]
