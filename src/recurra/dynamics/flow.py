"""How much of a gradient comes back through so many steps."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from recurra import inputs, tree
from recurra.errors import InputError
from recurra.layers.base import Layer

PASSES = 0.01  # share of a gradient that is still of use


class Flow(NamedTuple):
    """What is left of a gradient at the end of a sequence, so many steps earlier.

    Args:
        lags: steps back.
        gains: ‖vᵀ ∂s_T/∂s_{T−lag}‖ for a random v of length 1, per row, the mean over some of them.
            NaN where a row is shorter.
    """

    lags: list[int]
    gains: Float[Tensor, "rows lags"]

    @property
    def median(self) -> list[float]:
        """The rows' median at each lag."""
        return self.quantile(0.5)

    def quantile(self, share: float) -> list[float]:
        """Return the gain that this share of the rows does not exceed, at each lag."""
        found: list[float] = self.gains.double().nanquantile(share, dim=0).tolist()
        return found

    def reaches(self, share: float = PASSES) -> float:
        """Return the steps back from which at least this share of a gradient comes.

        Between two lags it falls like a^lag. Where it never falls so far, the greatest lag: it is
        at least that.
        """
        before, above = 0, 1.0
        for lag, gain in zip(self.lags, self.median, strict=True):
            if not gain >= share:
                if not above > gain > 0:
                    return float(before)
                fallen = math.log(above / share) / math.log(above / gain)
                return before + (lag - before) * fallen
            before, above = lag, gain
        return float(before)

    @property
    def half_life(self) -> float:
        """The steps in which a gradient is halved, at first."""
        return self.reaches(0.5)

    @property
    def horizon(self) -> float:
        """The steps from which a hundredth of a gradient comes back."""
        return self.reaches()


def carried(layer: Layer, x: Tensor, state: Any = None, every: int = 1) -> list[Any]:
    """Return the states before the first step, after each `every` steps, and after the last.

    The layer runs on its own engine, fused kernels included, over one chunk after another; each
    state is what the next chunk began from, so gradients with respect to it can be asked for.
    """
    state = layer.initial_state(len(x)) if state is None else state
    state = tree.map(lambda leaf: leaf.detach().clone().requires_grad_(), state)
    states = [state]
    for start in range(0, x.shape[1], every):
        _, state = layer(x[:, start : start + every], state)
        # An LSTM's h is made of its c: copies are the state's coordinates, each on its own.
        state = tree.map(torch.clone, state)
        states.append(state)
    return states


def flow(
    layer: Layer,
    x: Float[Tensor, "rows time input"],
    state: Any = None,
    *,
    every: int = 1,
    probes: int = 4,
    seed: int = 0,
) -> Flow:
    """Return how much of a gradient at the end of x comes back to each earlier state.

        g_lag = (Σ_p ‖v_pᵀ ∂s_T/∂s_{T−lag}‖² / P)^½,   ‖v_p‖ = 1

    by vector–Jacobian products, which are what backpropagation through time multiplies. Of a
    state that moves by decays alone it is the decay to the power lag; Pascanu et al. 2013,
    https://arxiv.org/abs/1211.5063, section 2.1. A state of several tensors counts as one vector.

    Args:
        layer: recurrent layers that read forward; nothing of them is changed.
        x: sequences without padding.
        state: where to begin; None: the initial state.
        every: steps between two states that are looked at.
        probes: random directions, P.
        seed: of the directions; the global generators stay as they were.
    Raises:
        TypeError, ValueError: the layer reads backward, or a number or x is not as it should be.
    """
    inputs.numbers("flow", "x", x, ("rows", "time", layer.input_size), inputs.weight(layer))
    if not layer.streams:
        raise InputError(f"{type(layer).__name__} reads backward; give one direction of it")
    if every < 1 or probes < 1 or not x.shape[1]:
        raise InputError(f"every {every}, probes {probes}, {x.shape[1]} steps: each is 1 or more")
    training = layer.training
    layer.eval()
    try:
        with torch.enable_grad(), torch.random.fork_rng():
            states = carried(layer, x.detach(), state, every)
            found = squares(states, probes, seed)
    finally:
        layer.train(training)
    count = x.shape[1]
    lags = [count - min(k * every, count) for k in range(len(states) - 1)]
    order = sorted(range(len(lags)), key=lags.__getitem__)
    gains = torch.stack([found[k] for k in order], dim=1).sqrt()
    return Flow([lags[k] for k in order], gains.detach())


def squares(states: list[Any], probes: int, seed: int, *, keep: bool = False) -> list[Tensor]:
    """Return the mean square of each earlier state's gradient, per row; `keep` the graph."""
    ends = tree.leaves(states[-1])
    asked = [leaf for state in states[:-1] for leaf in tree.leaves(state)]
    each = len(tree.leaves(states[0]))
    generator = torch.Generator().manual_seed(seed)
    sums: list[Tensor] = [torch.zeros(())] * (len(states) - 1)
    for probe in range(probes):
        directions = _directions(ends, generator)
        found = torch.autograd.grad(
            ends, asked, directions, retain_graph=keep or probe + 1 < probes, allow_unused=True
        )
        for k in range(len(states) - 1):
            parts = [g for g in found[k * each : (k + 1) * each] if g is not None]
            square = sum(
                (g.double().flatten(1).square().sum(1) for g in parts),
                torch.zeros(len(ends[0]), dtype=torch.float64, device=ends[0].device),
            )
            sums[k] = sums[k] + square / probes
    return sums


def _directions(ends: list[Tensor], generator: torch.Generator) -> list[Tensor]:
    """Return a random vector over all of a row's state, of length 1, as its tensors."""
    drawn = [torch.randn(leaf.shape, generator=generator, dtype=torch.float64) for leaf in ends]
    square = sum((part.flatten(1).square().sum(1) for part in drawn), torch.zeros(len(drawn[0])))
    return [
        (part / square.sqrt().view(-1, *[1] * (part.dim() - 1))).to(leaf)
        for part, leaf in zip(drawn, ends, strict=True)
    ]
