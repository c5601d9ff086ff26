"""What gates and units do: how steep they are, how much of the state a step keeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import linear

from recurra.cells.base import Affine, Cell, LinearCell, Rotation, lift
from recurra.cells.elman import Elman
from recurra.cells.gru import GRU
from recurra.cells.indrnn import IndRNN
from recurra.cells.lstm import LSTM
from recurra.cells.mlstm import MLSTM

FLAT = 0.1  # of its greatest slope: what is flatter counts as saturated
STILL = 1e-6  # of its largest output: a unit that moves less counts as dead


class Gates(NamedTuple):
    """What gates do at each step.

    Args:
        slopes: by gate, the slope at which each unit stands, as a share of the greatest.
        kept: the share of each unit of the state that a step keeps; None: the cell has no such.
    """

    slopes: dict[str, Tensor]
    kept: Tensor | None


Told = Callable[[Tensor, Tensor], Gates]


def sigmoid_slope(a: Tensor) -> Tensor:
    """Return 4 σ(a) (1 − σ(a))."""
    s = torch.sigmoid(a)
    return 4 * s * (1 - s)


def tanh_slope(a: Tensor) -> Tensor:
    """Return 1 − tanh²(a)."""
    return 1 - torch.tanh(a).square()


def of_kernel(
    kind: str,
    from_input: Tensor,
    from_state: Tensor,
    bias: Tensor | None = None,
    state_bias: Tensor | None = None,
) -> Told:
    """Return what the gates of `torch.nn`'s lstm, gru, tanh or relu do, of x and the h before."""

    def told(x: Tensor, h: Tensor) -> Gates:
        u = linear(x, from_input, bias).float()
        r = linear(h.to(x.dtype), from_state, state_bias).float()
        return _gates(kind, u, r)

    return told


def _gates(kind: str, u: Tensor, r: Tensor) -> Gates:
    if kind == "lstm":
        i, f, g, o = (u + r).chunk(4, dim=-1)
        slopes = {name: sigmoid_slope(a) for name, a in (("i", i), ("f", f), ("o", o))}
        return Gates({**slopes, "g": tanh_slope(g)}, torch.sigmoid(f))
    if kind == "gru":
        (ur, uz, un), (rr, rz, rn) = u.chunk(3, dim=-1), r.chunk(3, dim=-1)
        n = un + torch.sigmoid(ur + rr) * rn
        slopes = {"r": sigmoid_slope(ur + rr), "z": sigmoid_slope(uz + rz), "n": tanh_slope(n)}
        return Gates(slopes, torch.sigmoid(uz + rz))
    a = u + r
    return Gates({"h": tanh_slope(a)} if kind == "tanh" else {"off": (a > 0).float()}, None)


def of_cell(cell: Cell[Any]) -> Told | None:
    """Return what the gates of a cell of recurra do; None where that is not known of it."""
    if isinstance(cell, LSTM | GRU | Elman):
        kind = {LSTM: "lstm", GRU: "gru"}.get(type(cell)) or getattr(cell, "nonlinearity", "")
        if not kind:
            return None

        def told(x: Tensor, h: Tensor) -> Gates:
            r = linear(h, cell.from_state)
            if isinstance(cell, GRU):
                r = r + torch.nn.functional.pad(cell.state_bias, (2 * cell.hidden_size, 0))
            return _gates(kind, cell.project(x).float(), r.float())

        return told
    if isinstance(cell, IndRNN):
        return lambda x, _: Gates({}, cell.recurrence().abs().expand(*x.shape[:2], -1))
    if not isinstance(cell, LinearCell):
        return None

    def decays(x: Tensor, _: Tensor) -> Gates:
        move = cell.transition(lift(cell.project(x)))
        if isinstance(move, Affine):
            return Gates({}, move.decay.abs())
        if isinstance(move, Rotation):
            return Gates({}, torch.hypot(move.decay_re, move.decay_im))
        return Gates({}, move.decay.exp() if isinstance(cell, MLSTM) else None)

    return decays


class Gauge:
    """Adds up what the gates and units of a layer do, over all that it reads."""

    def __init__(self) -> None:
        self.flat: dict[str, float] = {}
        self.seen: dict[str, int] = {}
        self.kept: Tensor | None = None
        self.steps = 0
        self.low: Tensor | None = None
        self.high: Tensor | None = None

    @torch.no_grad()
    def add(self, gates: Gates | None, y: Tensor, live: Tensor) -> None:
        """Count the live steps of one call, whose outputs are y."""
        y = y[live].float()
        if not len(y):
            return
        low, high = y.amin(0), y.amax(0)
        same = self.low is not None and self.low.shape == low.shape
        self.low = torch.minimum(self.low, low) if same and self.low is not None else low
        self.high = torch.maximum(self.high, high) if same and self.high is not None else high
        self.steps += len(y)
        if gates is None:
            return
        for name, slope in gates.slopes.items():
            some = slope[live]
            self.flat[name] = self.flat.get(name, 0.0) + float((some < FLAT).sum())
            self.seen[name] = self.seen.get(name, 0) + some.numel()
        if gates.kept is not None:
            kept = gates.kept[live].double().sum(0)
            self.kept = kept if self.kept is None else self.kept + kept

    @property
    def saturated(self) -> dict[str, float]:
        """By gate, the share of units and steps at which it is nearly flat."""
        return {name: self.flat[name] / self.seen[name] for name in self.flat}

    @property
    def dead(self) -> float | None:
        """The share of units whose output is the same at all steps of all rows."""
        if self.low is None or self.high is None or self.steps < 2:
            return None
        most = torch.maximum(self.low.abs(), self.high.abs())
        return float((self.high - self.low <= STILL * most).double().mean())

    @property
    def time_constants(self) -> tuple[float, float, float] | None:
        """The steps for which units remember: the 10 %, 50 % and 90 % quantile over units.

            τ = 1 / (1 − f̄),    f̄: a unit's mean forget gate

        Tallec and Ollivier 2018, https://arxiv.org/abs/1804.11188, section 2.
        """
        if self.kept is None or not self.steps:
            return None
        mean = (self.kept / self.steps).flatten()
        tau = 1 / (1 - mean).clamp(min=1e-12)
        low, median, high = tau.quantile(torch.tensor([0.1, 0.5, 0.9]).to(tau)).tolist()
        return low, median, high
