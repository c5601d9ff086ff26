"""The graphs of each type of network: what one runs to use it, and to stream it."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import torch
from torch import Tensor, nn

from recurra import tree
from recurra.errors import RecurraError
from recurra.layers import Layer, zero_beyond
from recurra.layers.running import POOLS
from recurra.onnx.graph import Graph, Value
from recurra.onnx.layers import states, step
from recurra.onnx.writing import Written
from recurra.tasks.streams.causal import so_far
from recurra.topologies import (
    CRF,
    CTC,
    NADE,
    Ensemble,
    Forecaster,
    LanguageModel,
    ManyToManyEqual,
    ManyToOne,
    OneToOne,
    Writer,
)

LENGTHS = Value("lengths", ("batch",), "steps of each row", torch.int64)
SCORES = "before the softmax, where there is one"


@singledispatch
def graphs(network: nn.Module, batch: Any) -> list[Graph]:
    """Return the graphs of a network; an example batch tells what goes in.

    Raises:
        RecurraError: it is of no type that can be exported.
    """
    raise RecurraError(f"a {type(network).__name__} has no graphs; give a model of a task")


@graphs.register(OneToOne)
@graphs.register(Ensemble)
def _(network: nn.Module, batch: Any) -> list[Graph]:
    return [_classifier(network, batch)]


@graphs.register
def _(network: ManyToOne, batch: Any) -> list[Graph]:
    found = [_classifier(network, batch)]
    if network.body.streams and isinstance(network.pool, POOLS):
        found.append(_streamed(network, so_far(network), batch))
    return found


@graphs.register
def _(network: ManyToManyEqual, batch: Any) -> list[Graph]:
    body, size = network.body, features(network.head, network.body.output_size)
    x, y = _given("x", batch.x, "batch", "time"), Value("scores", ("batch", "time", size), SCORES)
    if not body.streams or body.delay:
        found = [Graph("sequence", network, _called, (x, LENGTHS), (y,)), *_path(network.output, y)]
        return [*found, *([_streamed(network, body, batch)] if body.streams else [])]
    like = body.initial_state(1)

    def read(network: Any, x: Tensor, lengths: Tensor, *before: Tensor) -> list[Tensor]:
        x = network.embed(zero_beyond(x, lengths))
        y, after = network.body(x, tree.unflatten(like, list(before)), lengths=lengths)
        return [network.head(y), *tree.leaves(after)]

    given, after = (x, LENGTHS, *states(body)), states(body, "_next")
    names = ("token", "logits") if isinstance(network, LanguageModel) else ("x", "scores")
    return [
        Graph("sequence", network, read, given, (y, *after)),
        *_path(network.output, y),
        _streamed(network, body, batch, names),
    ]


@graphs.register
def _(network: Writer, batch: Any) -> list[Graph]:
    ragged = batch.context_lengths is not None
    source = _given("source", batch.context, "batch", *(["positions"] if ragged else []))
    lengths = (Value("source_lengths", ("batch",), "positions of each", torch.int64),)
    state = Written(network, batch)

    def read(network: Any, *given: Tensor) -> list[Tensor]:
        return state.flat(network.start(*given))

    def write(network: Any, token: Tensor, *before: Tensor) -> list[Tensor]:
        logits, after = network.advance(token, state.whole(list(before)))
        return [logits, *state.moved(after)]

    token = Value("token", ("batch",), "the one before", torch.int64)
    logits = Value("logits", ("batch", state.vocabulary), "of the token that follows")
    return [
        Graph("encoder", network, read, (source, *lengths[:ragged]), state.values),
        Graph("step", network, write, (token, *state.values), (logits, *state.next)),
    ]


@graphs.register
def _(network: CTC, batch: Any) -> list[Graph]:
    x = _given("x", batch.x, "batch", "time")
    y = Value("scores", ("batch", "time", network.classes), "of blank and symbols, at each step")
    found = [Graph("sequence", network, _called, (x, LENGTHS), (y,))]
    if network.body.streams:
        found.append(step(network.layer))
    return found


@graphs.register
def _(network: Forecaster, batch: Any) -> list[Graph]:
    horizon, covariates = network.horizon, network.covariates
    past = _given("past", batch.past, "batch")  # as long as it was trained on
    known = (
        Value("known_past", ("batch", past.sizes[1], covariates), "covariates of the past"),
        Value("known_future", ("batch", horizon, covariates), "covariates of the horizon"),
    )

    def foretell(network: Any, past: Tensor, *known: Tensor) -> list[Tensor]:
        none = past.new_zeros(past.shape[0], past.shape[1] + horizon, 0)
        raw, scale = network(past, torch.cat(known, 1) if known else none)
        return [raw, *scale]

    shape = "batch", horizon, network.channels
    outputs = (
        Value("raw", (*shape, network.output.size), "what the distribution reads"),
        Value("middle", ("batch", 1, network.channels), "of the row's own scale"),
        Value("size", ("batch", 1, network.channels), "of the row's own scale"),
    )
    return [Graph("forecast", network, foretell, (past, *known[: 2 * bool(covariates)]), outputs)]


def _path(output: nn.Module, scores: Value) -> list[Graph]:
    """Return scores, lengths → the best path, where an output takes all steps together."""
    if isinstance(output, NADE):
        return [_given_those_before(output)]
    if not isinstance(output, CRF):
        return []
    tags = Value("tags", ("batch", "time"), "beyond lengths, anything", torch.int64)

    def best(output: Any, *given: Tensor) -> list[Tensor]:
        return [output.best(*given)]

    return [Graph("best_path", output, best, (scores, LENGTHS), (tags,))]


def _given_those_before(output: NADE) -> Graph:
    """Return scores, answers → the logit of each answer, given those before it."""
    count, size = output.count, output.size

    def run(output: Any, scores: Tensor, y: Tensor) -> list[Tensor]:
        held = y[..., None] * output.read
        states = torch.sigmoid(scores[:, None, count:] + held.cumsum(1) - held)
        return [scores[:, :count] + (states * output.write).sum(-1)]

    scores = Value("scores", ("batch", size), "of one step")
    y = Value("y", ("batch", count), "answers, 0 or 1; those from a place on change none before")
    return Graph("answers", output, run, (scores, y), (Value("logits", y.sizes, "of 1"),))


def _called(network: Any, *given: Tensor) -> list[Tensor]:
    return [network(*given)]


def _given(name: str, x: Tensor, *sizes: str) -> Value:
    """Return what goes in, like an example whose first sizes have these names."""
    return Value(name, (*sizes, *x.shape[len(sizes) :]), "as the task encodes it", x.dtype)


def _classifier(network: nn.Module, batch: Any) -> Graph:
    """Return x, lengths where there are any → one answer for each row."""
    ragged = hasattr(batch, "lengths")
    x = _given("x", batch.x, "batch", *(["time"] if ragged else []))
    with torch.no_grad():
        classes = network.eval()(*batch[: 1 + ragged]).shape[-1]
    given = (x, LENGTHS) if ragged else (x,)
    logits = Value("logits", ("batch", classes), SCORES)
    return Graph("sequence" if ragged else "predict", network, _called, given, (logits,))


def _streamed(
    network: Any, layer: Layer, batch: Any, names: tuple[str, str] = ("x", "scores")
) -> Graph:
    """Return one step: embedding, layers, head; what lags is flushed with `ended`."""
    like, size = layer.initial_state(1), features(network.head, layer.output_size)
    whole = nn.ModuleDict({"embed": network.embed, "layer": layer, "head": network.head})

    def run(parts: Any, x: Tensor, *given: Tensor) -> list[Tensor]:
        read = parts["embed"](x[:, None])
        if layer.delay:
            read = torch.where(given[0][:, None, None], 0.0, read)
        before = list(given[bool(layer.delay) :])
        y, after = parts["layer"](read, tree.unflatten(like, before))
        return [parts["head"](y.squeeze(1)), *tree.leaves(after)]

    x = Value(
        names[0], ("batch", *batch.x.shape[2:]), "a step of what the task encodes", batch.x.dtype
    )
    ended = Value("ended", ("batch",), "x is not there: the input is over", torch.bool)
    y = Value(names[1], ("batch", size), SCORES)
    given = (x, ended) if layer.delay else (x,)
    outputs = (y, *states(layer, "_next"))
    return Graph("step", whole, run, (*given, *states(layer)), outputs, layer.delay)


def features(head: nn.Module, size: int) -> int:
    """Return how many numbers a head says of so many."""
    with torch.no_grad():
        return int(head.eval()(torch.zeros(1, 1, size)).shape[-1])
