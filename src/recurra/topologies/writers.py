"""Several networks that write one sequence together."""

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from recurra import inputs
from recurra.data.batch import Paired
from recurra.layers import within
from recurra.topologies.base import Writer
from recurra.topologies.decoder import DecoderState
from recurra.topologies.loss import Loss, cross_entropy


class WritersState(NamedTuple):
    """Where each member stands, and where they attended to, on average."""

    states: tuple[DecoderState, ...]
    weights: Float[Tensor, "batch positions"]


class Writers(Writer):
    """Writers that were drawn apart; at each step their probabilities are averaged.

        p(y_t | y_<t, x) = Σ_k p_k(y_t | y_<t, x) / K

    In training each member has its own loss, and learns as if it were alone. Sutskever, Vinyals and
    Le 2014, https://arxiv.org/abs/1409.3215, section 3.4.

    Args:
        members: of the same contexts and tokens.
    """

    def __init__(self, members: Iterable[Writer]) -> None:
        nn.Module.__init__(self)  # each member has a decoder; together they have none
        self.members = nn.ModuleList(members)

    @staticmethod
    def of(count: int, make: Callable[[], Writer]) -> Writer:
        """Return so many that `make` draws and that write together, or one of them alone."""
        return make() if count == 1 else Writers(make() for _ in range(count))

    def start(
        self,
        context: Shaped[Tensor, "batch *context"],
        context_lengths: Int[Tensor, "batch"] | None = None,
    ) -> WritersState:
        """Return where each begins."""
        return _joined(member.start(context, context_lengths) for member in self._each())

    def advance(
        self, token: Int[Tensor, "batch"], state: WritersState
    ) -> tuple[Float[Tensor, "batch vocabulary"], WritersState]:
        """Return log p of what follows `token`, and the state there."""
        inputs.fields("Writers", "the state", state, WritersState)
        pairs = zip(self._each(), state.states, strict=True)
        logits, states = zip(*(one.advance(token, own) for one, own in pairs), strict=True)
        return _mean(logits), _joined(states)

    def forward(
        self,
        context: Shaped[Tensor, "batch *context"],
        x: Int[Tensor, "batch time"],
        lengths: Int[Tensor, "batch"] | None = None,
        context_lengths: Int[Tensor, "batch"] | None = None,
    ) -> Float[Tensor, "batch time vocabulary"]:
        """Return log p of what follows each token of x."""
        return _mean([one(context, x, lengths, context_lengths) for one in self._each()])

    def loss(self, batch: Paired, smoothing: float = 0.0) -> Loss:
        """Return the mean of the members' losses; in evaluation, the loss of their average."""
        inputs.fields("Writers", "the batch", batch, Paired)
        if not self.training:
            logits = self(batch.context, batch.x, batch.lengths, batch.context_lengths)
            return cross_entropy(logits, batch.y, within(batch.lengths, logits.shape[1]), smoothing)
        losses = []
        for member in self._each():
            member.scheduled = self.scheduled
            losses.append(member.loss(batch, smoothing))
        return Loss(torch.stack([loss.total for loss in losses]).mean(), losses[0].count)

    def _each(self) -> list[Writer]:
        return [member for member in self.members if isinstance(member, Writer)]


def _joined(states: Iterable[DecoderState]) -> WritersState:
    each = tuple(states)
    return WritersState(each, torch.stack([state.weights for state in each]).mean(0))


def _mean(logits: Iterable[Tensor]) -> Tensor:
    every = torch.stack([each.log_softmax(-1) for each in logits])
    return every.logsumexp(0) - math.log(len(every))
