"""What a pool would say at every step, if the sequence ended there."""

from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from recurra import inputs, tree
from recurra.engines.base import any_steps
from recurra.engines.keep import keep
from recurra.errors import InputError, InputTypeError
from recurra.inputs import Count
from recurra.layers.base import Layer
from recurra.layers.lengths import within, zero_beyond
from recurra.layers.pool import AttentionPool, Last, Max, Mean

POOLS = (AttentionPool, Last, Max, Mean)


class RunningState(NamedTuple):
    """The sum of the steps so far (the greatest values, for `Max`), and their weights' sum.

    Weights are e^{score − top}, with `top` the greatest score so far: they never overflow.
    """

    total: Float[Tensor, "batch features"]
    weight: Float[Tensor, "batch"]
    top: Float[Tensor, "batch"]


class Running(Layer):
    """A pool over the steps so far: y_t is what the pool gives of x_1 … x_t.

        Mean: (1/t) Σ_{i≤t} x_i     Max: max_{i≤t} x_i     Last: x_t
        AttentionPool: Σ_{i≤t} e^{s_i} x_i / Σ_{i≤t} e^{s_i}     s_i: the pool's score of x_i

    The sums are carried on, whatever came before in a few numbers: Milakov and Gimelshein 2018,
    https://arxiv.org/abs/1805.02867, algorithm 3. So a class can be told while a sequence is heard,
    at the same cost for every step. The weights are the pool's own.

    Args:
        pool: `Mean`, `Max`, `Last` or `AttentionPool`.
        size: features.
    Raises:
        TypeError: it is another pool.
        ValueError: it is of another size.
    """

    def __init__(self, pool: nn.Module, size: int) -> None:
        super().__init__()
        if not isinstance(pool, POOLS):
            known = "Mean, Max, Last and AttentionPool"
            raise InputTypeError(f"pool is a {type(pool).__name__}; Running takes {known}")
        if size < 1 or (isinstance(pool, AttentionPool) and pool.size != size):
            raise InputError(f"size is {size}; Running takes that of the pool's input, 1 or more")
        self.pool, self.input_size, self.output_size = pool, size, size

    def initial_state(self, batch: Count) -> RunningState:
        """Return the sums of nothing."""
        like = inputs.weight(self.pool)
        zeros = (
            torch.zeros(batch, self.input_size)
            if like is None
            else like.new_zeros(batch, self.input_size)
        )
        none = torch.full_like(zeros[:, 0], torch.finfo(zeros.dtype).min)
        return RunningState(zeros, torch.zeros_like(none), none)

    def forward(
        self,
        x: Float[Tensor, "batch time features"],
        state: Any = None,
        *,
        lengths: Int[Tensor, "batch"] | None = None,
    ) -> tuple[Float[Tensor, "batch time features"], RunningState]:
        """Return the pool of the steps up to each."""
        inputs.sequence("Running", x, self.input_size, lengths, inputs.weight(self.pool))
        if state is None:
            state = self.initial_state(x.shape[0])
            state = RunningState(*(leaf.to(x) for leaf in state))
        inputs.fields("Running", "the state", state, RunningState)
        rows = x.shape[0]
        inputs.numbers("Running", "state total", state.total, (rows, self.input_size), x)
        inputs.numbers("Running", "state weight", state.weight, (rows,), x)
        inputs.numbers("Running", "state top", state.top, (rows,), x)
        x = zero_beyond(x, lengths)
        live = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
        if lengths is not None:
            live = within(lengths.to(x.device), x.shape[1])
        scores = self._scores(x)
        given = x, scores, live
        if any_steps(x):
            y, state = keep(self._step, state, given)
            return zero_beyond(y, lengths), state
        found = []
        for now in zip(*(lines.unbind(1) for lines in given), strict=True):
            said, state = self._step(state, *now)
            found.append(said)
        y = torch.stack(found, 1) if found else torch.zeros_like(x)
        return zero_beyond(y, lengths), state

    def _step(
        self, before: RunningState, x: Tensor, score: Tensor, live: Tensor
    ) -> tuple[Tensor, RunningState]:
        """Return what the pool says now, and the sums; rows that are not live stay as they are."""
        moved = self._moved(before, x, score)

        def chosen(old: Tensor, new: Tensor) -> Tensor:
            return torch.where(live.view(-1, *[1] * (new.dim() - 1)), new, old)

        after = tree.map(chosen, before, moved)
        return self._said(after), after

    def _scores(self, x: Tensor) -> Tensor:
        if not isinstance(self.pool, AttentionPool):
            return torch.zeros_like(x[..., 0])
        scores: Tensor = self.pool.to_score(torch.tanh(self.pool.hidden(x))).squeeze(-1)
        return scores.to(x.dtype)

    def _moved(self, before: RunningState, x: Tensor, score: Tensor) -> RunningState:
        if isinstance(self.pool, Last):
            return RunningState(x, torch.ones_like(score), score)
        if isinstance(self.pool, Max):
            first = (before.weight == 0)[:, None]
            greatest = torch.where(first, x, torch.maximum(before.total, x))
            return RunningState(greatest, torch.ones_like(score), score)
        top = torch.maximum(before.top, score)
        kept, new = (before.top - top).exp(), (score - top).exp()
        total = before.total * kept[:, None] + x * new[:, None]
        return RunningState(total, before.weight * kept + new, top)

    def _said(self, state: RunningState) -> Tensor:
        weight = torch.where(state.weight > 0, state.weight, 1.0)
        return state.total / weight[:, None]
