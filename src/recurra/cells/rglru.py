"""Real-gated linear recurrent unit."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from recurra.cells.base import Affine, Draw, LinearCell
from recurra.cells.heads import block_linear, choose_heads
from recurra.cells.initialisation import linear, start_gates
from recurra.inputs import Count

C = 8.0  # the paper's constant: a step with r = 1 decays by a^8


class RGLRUState(NamedTuple):
    """Hidden state of an `RGLRU`."""

    h: Float[Tensor, "batch hidden"]


class RGLRU(LinearCell[RGLRUState]):
    """Real-gated linear recurrent unit: decay and input are gated by the input alone.

        v = W x + b
        r = σ(Wr v + br)    i = σ(Wi v + bi)    a = σ(Λ)^(8 r)
        h' = a ⊙ h + √(1 − a²) ⊙ (i ⊙ v)

    De et al. 2024, https://arxiv.org/abs/2402.19427, section 2.4 (the equations and Λ's start)
    and section 4 (block-diagonal Wr and Wi).
    Differs from it: v is the linear map that stands before the unit in the paper's block, without
    its convolution, so that input and hidden sizes are free.

    Args:
        input_size: length of x.
        hidden_size: length of h, and of the output.
        heads: blocks of Wr and Wi; None: the largest of 4, 2, 1 that divides hidden_size.
        time_scale: longest dependency expected, in steps: Λ starts where a, at r = ½, has chrono
            time scales. Where it is not given, σ(Λ)^8 starts as U(0.9, 0.999).
    Raises:
        ValueError: a size is not positive, heads does not divide hidden_size, or time_scale is
            below 2.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        heads: int | None = None,
        time_scale: float | None = None,
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.heads = choose_heads(hidden_size, heads)
        size = hidden_size // self.heads
        self.decay = nn.Parameter(torch.empty(hidden_size))
        if time_scale is None:
            self._start(torch.empty(hidden_size).uniform_(0.9, 0.999).log() / C)
        else:
            start_gates(self, time_scale)
        self.from_input = nn.Parameter(torch.empty(hidden_size, input_size))
        self.bias = nn.Parameter(torch.zeros(hidden_size))
        self.gates = nn.Parameter(torch.empty(2, self.heads, size, size))
        self.gate_bias = nn.Parameter(torch.zeros(2 * hidden_size))
        linear(self.from_input)
        for block in self.gates.detach().flatten(0, 1):
            linear(block)

    def remember(self, bias: Draw, *, opposed: bool = False) -> None:
        """Set Λ, so that a is σ(bias) at r = ½."""
        logits = bias(self.hidden_size)
        self._start(nn.functional.logsigmoid(logits) * 2 / C)

    def _start(self, log_a: Tensor) -> None:
        """Set Λ to the inverse of log σ(Λ) = log a."""
        self.decay.detach().copy_(log_a - torch.log(-torch.expm1(log_a)))

    def initial_state(self, batch: Count) -> RGLRUState:
        """Return zeros."""
        return RGLRUState(self.zeros(batch, self.hidden_size))

    def project(self, x: Float[Tensor, "*axes input"]) -> Float[Tensor, "*axes projected"]:
        """Return v and both gates before σ, side by side."""
        v = nn.functional.linear(x, self.from_input, self.bias)
        return torch.cat([v, block_linear(v, self.gates) + self.gate_bias], dim=-1)

    def transition(self, u: Float[Tensor, "*axes projected"]) -> Affine:
        """Return h ← a h + √(1 − a²) i v."""
        v, r, i = u.chunk(3, dim=-1)
        log_a = C * torch.sigmoid(r) * nn.functional.logsigmoid(self.decay)
        # where r underflows, 1 − a² is 0 and the root's slope infinite: stay one number above
        rest = (-torch.expm1(2 * log_a)).clamp(min=torch.finfo(u.dtype).tiny)
        return Affine(torch.exp(log_a), torch.sqrt(rest) * torch.sigmoid(i) * v)

    def read(
        self, u: Float[Tensor, "*axes projected"], state: RGLRUState
    ) -> Float[Tensor, "*axes hidden"]:
        """Return h."""
        return state.h
