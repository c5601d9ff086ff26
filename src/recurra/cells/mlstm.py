"""Matrix long short-term memory of the xLSTM."""

from __future__ import annotations

import math
from functools import partial
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from recurra.cells.base import Draw, LinearCell
from recurra.cells.heads import choose_heads
from recurra.cells.initialisation import linear, start_gates
from recurra.inputs import Count

FLOOR = 1e-6


class MLSTMState(NamedTuple):
    """Memory, normaliser and stabiliser of an `MLSTM`; memory and normaliser are / e^m."""

    c: Float[Tensor, "batch heads value key"]
    n: Float[Tensor, "batch heads key"]
    m: Float[Tensor, "batch heads"]


class Accumulate(NamedTuple):
    """c e^m ← e^decay c e^m + e^peak inject, and n alike, with m the largest exponent so far.

    It composes since max and + do, and no exponential is of a positive number. Where every peak
    is at least 0, the one that does nothing is all zeros.
    """

    decay: Tensor
    c: Tensor
    n: Tensor
    peak: Tensor

    def then(self, later: Accumulate) -> Accumulate:
        """Compose: exponents add, and both injections are put on the larger peak."""
        c, n, peak = later.apply(MLSTMState(self.c, self.n, self.peak))
        return Accumulate(later.decay + self.decay, c, n, peak)

    def apply(self, state: Any) -> MLSTMState:
        """Return (c', n', m')."""
        c, n, m = state
        peak = torch.maximum(self.decay + m, self.peak)
        kept = torch.exp(self.decay + m - peak).unsqueeze(-1)
        added = torch.exp(self.peak - peak).unsqueeze(-1)
        return MLSTMState(
            kept.unsqueeze(-1) * c + added.unsqueeze(-1) * self.c, kept * n + added * self.n, peak
        )


class MLSTM(LinearCell[MLSTMState]):
    """LSTM whose memory is a matrix, written at a key and read by a query.

        q = Wq x + bq    k = (Wk x + bk)/√d    v = Wv x + bv    o = σ(Wo x + bo)
        i = exp(wi x + bi)    f = σ(wf x + bf)                  one of each per head
        C' = f C + i v kᵀ     n' = f n + i k    h = o ⊙ C' q / max(|n'ᵀ q|, 1)

    C and n are kept as C e^−m and n e^−m, with m' = max(log f + m, log i, 0); the 1 becomes e^−m.
    Beck et al. 2024, https://arxiv.org/abs/2405.04517, equations 19–27, and 15–17 (m).
    Differs from it: m starts at 0 and never falls below, because the 1 of the denominator is one
    of the things to be compared with: e^−m cannot overflow, the output stays the same, and a
    state of zeros is the empty one. e^−m is not less than 10⁻⁶, so that the gradient is finite
    where nᵀ q crosses 0. 1/√d scales bk too. No group norm; that is a layer.

    Args:
        input_size: length of x.
        hidden_size: length of the output: of all heads' values together.
        heads: memories, each [d d] with d = hidden_size/heads; None: the largest of 4, 2, 1 that
            divides hidden_size.
        time_scale: longest dependency expected, in steps: chrono initialisation of bf and
            bi = −bf. Where it is not given, bf lies evenly from 3 to 6 over the heads.
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
        self.head_size = hidden_size // self.heads
        self._sizes = [hidden_size] * 4 + [self.heads] * 2
        self.from_input = nn.Parameter(torch.empty(sum(self._sizes), input_size))
        self.bias = nn.Parameter(torch.zeros(sum(self._sizes)))
        linear(self.from_input)
        start_gates(self, time_scale, partial(torch.linspace, 3, 6))

    def remember(self, bias: Draw, *, opposed: bool = False) -> None:
        """Set bf of each head, and bi = 0 or −bf."""
        *_, i, f = torch.split(self.bias.detach(), self._sizes)
        f.copy_(bias(len(f)))
        i.copy_(-f if opposed else torch.zeros_like(f))

    def initial_state(self, batch: Count) -> MLSTMState:
        """Return zeros."""
        d = self.head_size
        return MLSTMState(
            self.zeros(batch, self.heads, d, d),
            self.zeros(batch, self.heads, d),
            self.zeros(batch, self.heads),
        )

    def project(self, x: Float[Tensor, "*axes input"]) -> Float[Tensor, "*axes projected"]:
        """Return W x + b: q, k, v, o, i, f side by side."""
        return nn.functional.linear(x, self.from_input, self.bias)

    def transition(self, u: Float[Tensor, "*axes projected"]) -> Accumulate:
        """Return C ← f C + i v kᵀ and n ← f n + i k."""
        _, k, v, _, i, f = torch.split(u, self._sizes, dim=-1)
        k = torch.unflatten(k, -1, (self.heads, self.head_size)) / math.sqrt(self.head_size)
        v = torch.unflatten(v, -1, (self.heads, self.head_size))
        peak = torch.relu(i)
        k = k * torch.exp(i - peak).unsqueeze(-1)
        c = v.unsqueeze(-1) * k.unsqueeze(-2)
        return Accumulate(nn.functional.logsigmoid(f), c, k, peak)

    def read(
        self, u: Float[Tensor, "*axes projected"], state: MLSTMState
    ) -> Float[Tensor, "*axes hidden"]:
        """Return o ⊙ C q / max(|nᵀ q|, e^−m)."""
        q, _, _, o, _, _ = torch.split(u, self._sizes, dim=-1)
        q = torch.unflatten(q, -1, (self.heads, self.head_size))
        value = (state.c @ q.unsqueeze(-1)).squeeze(-1)
        weight = (state.n * q).sum(-1).abs()
        h = value / torch.maximum(weight, torch.exp(-state.m).clamp(min=FLOOR)).unsqueeze(-1)
        return torch.sigmoid(o) * h.flatten(-2)
