"""A network that ONNX Runtime computes, in the place of the one that was exported."""

from __future__ import annotations

import copy
from functools import singledispatch
from typing import Any

import torch
from torch import Tensor, nn

from recurra import tree
from recurra.layers import Layer, RowScale
from recurra.onnx.runtime import Run, Session
from recurra.onnx.writing import Written
from recurra.topologies import (
    CTC,
    Ensemble,
    Forecaster,
    ManyToManyEqual,
    ManyToOne,
    OneToOne,
    Writer,
)


def stand_in(network: nn.Module, run: Run, batch: Any) -> nn.Module:
    """Return a copy of a network whose graphs are run in the place of its weights.

    So a task evaluates what was exported by the same code that it evaluates the network by.

    Args:
        network: that was exported.
        run: its graphs.
        batch: the example that it was exported with.
    """
    other = copy.deepcopy(network).eval()
    replace(other, run, batch)
    return other


@singledispatch
def replace(network: Any, run: Run, batch: Any) -> None:
    """Have the graphs compute what the network computes."""
    raise TypeError(f"{type(network).__name__} has no graphs")


@replace.register
def _(network: OneToOne, run: Run, batch: Any) -> None:
    network.forward = lambda x: run["predict"](x)[0]  # type: ignore[method-assign]  # of this object alone


@replace.register(Ensemble)
@replace.register(ManyToOne)
@replace.register(CTC)
def _(network: Any, run: Run, batch: Any) -> None:
    def forward(x: Tensor, lengths: Tensor | None = None) -> Tensor:
        if "predict" in run:
            return run["predict"](x)[0]
        return run["sequence"](x, _lengths(x, lengths))[0]

    network.forward = forward


@replace.register
def _(network: ManyToManyEqual, run: Run, batch: Any) -> None:
    sequence, body = run["sequence"], network.body
    carries = body.streams and not body.delay

    def forward(x: Tensor, lengths: Tensor | None = None) -> Tensor:
        state = tree.leaves(body.initial_state(len(x))) if carries else []
        return sequence(x, _lengths(x, lengths), *state)[0]

    def decode(scores: Tensor, lengths: Tensor) -> list[list[int]]:
        (tags,) = run["best_path"](scores, lengths)
        return [row[:stop] for row, stop in zip(tags.tolist(), lengths.tolist(), strict=True)]

    network.forward = forward  # type: ignore[method-assign]  # of this object alone
    if "best_path" in run:
        network.output.decode = decode  # type: ignore[method-assign]  # of this object alone
    if carries:
        network.body = _Whole(body, sequence)
        network.embed, network.head = nn.Identity(), nn.Identity()


@replace.register
def _(network: Writer, run: Run, batch: Any) -> None:
    state = Written(network, batch)

    def start(context: Tensor, context_lengths: Tensor | None = None) -> Any:
        lengths = () if context_lengths is None else (context_lengths,)
        return state.whole(run["encoder"](context, *lengths))

    def advance(token: Tensor, before: Any) -> tuple[Tensor, Any]:
        logits, *after = run["step"](token, *state.flat(before))
        return logits, state.with_moved(before, after)

    def forward(
        context: Tensor, x: Tensor, lengths: Any = None, context_lengths: Any = None
    ) -> Tensor:
        now, found = start(context, context_lengths), []
        for token in x.unbind(1):
            logits, now = advance(token, now)
            found.append(logits)
        return torch.stack(found, 1)

    for method in (start, advance, forward):
        setattr(network, method.__name__, method)


@replace.register
def _(network: Forecaster, run: Run, batch: Any) -> None:
    def forward(past: Tensor, known: Tensor) -> tuple[Tensor, RowScale]:
        parts = (
            torch.split(known, [past.shape[1], network.horizon], 1) if network.covariates else ()
        )
        raw, middle, size = run["forecast"](past, *parts)
        return raw, RowScale(middle, size)

    network.forward = forward  # type: ignore[method-assign]  # of this object alone


class _Whole(Layer):
    """All of a network, from what goes in to its scores, in the place of its body."""

    def __init__(self, body: Layer, sequence: Session) -> None:
        super().__init__()
        self.begin, self.sequence = body.initial_state, sequence
        self.input_size = self.output_size = body.input_size
        # tasks ask a network's weights where it lies
        self.place = nn.Parameter(torch.zeros(1), requires_grad=False)

    def initial_state(self, batch: Any) -> Any:
        """Return the body's own."""
        return self.begin(batch)

    def forward(self, x: Tensor, state: Any = None, *, lengths: Any = None) -> tuple[Tensor, Any]:
        """Run the graph."""
        before = self.begin(len(x)) if state is None else state
        y, *after = self.sequence(x, _lengths(x, lengths), *tree.leaves(before))
        return y, tree.unflatten(before, after)


def _lengths(x: Tensor, lengths: Tensor | None) -> Tensor:
    return torch.full((len(x),), x.shape[1]) if lengths is None else lengths
