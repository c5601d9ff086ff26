"""Every public entry that takes tensors: right arguments, and the call."""

import random
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn

from recurra import cells, layers, topologies, unroll
from recurra.data.batch import Aligned, Foretold, Labelled, Paired, Single, Transcribed
from recurra.engines.branch import branch
from recurra.errors import InputError
from recurra.streaming import Stream
from recurra.topologies.distributions import (
    Distribution,
    Gaussian,
    Point,
    Quantiles,
    StudentT,
)
from tests.inputs.spoiled import (
    WHOLE,
    Argument,
    Array,
    Choice,
    Lengths,
    Mask,
    State,
)

Arguments = dict[str, Argument]
Entry = tuple[Callable[..., Any], Arguments]

BATCH, TIME, SIZE, WIDTH, KINDS = 3, 5, 2, 4, 6
LENGTHS = torch.tensor([5, 0, 3])
ENGINES = [None, "native", "loop", "scan", "vendor"]


def real(*sizes: int, fixed: tuple[int, ...] = (), free: bool = False) -> Array:
    """Return real numbers; `free`: of any floating point type, anywhere."""
    x = torch.randn(*sizes)
    if free:
        return Array(
            x, fixed=fixed, dtypes=(torch.int64, torch.bool, torch.complex64), placed=False
        )
    return Array(x, fixed=fixed)


def whole(*sizes: int, fixed: tuple[int, ...] = (), most: int = KINDS) -> Array:
    """Return whole numbers below `most`."""
    x = torch.randint(1, most, sizes)
    return Array(x, fixed=fixed, dtypes=WHOLE, placed=False, most=most)


def lengths() -> Lengths:
    """Return lengths, that may be left out."""
    return Lengths(LENGTHS.clone(), optional=True)


def _engines(cell: cells.Cell[Any]) -> list[str | None]:
    x = torch.zeros(BATCH, TIME, SIZE)
    runs = list[str | None]()
    for engine in ENGINES:
        try:
            unroll(cell, x, engine=engine)
        except ValueError:
            continue
        runs.append(engine)
    return runs


def _unrolled(kind: type[cells.Cell[Any]], draw: random.Random) -> Entry:
    cell = kind(SIZE, WIDTH)
    state = State(cell.initial_state(BATCH), optional=True)
    x = real(BATCH, TIME, SIZE, fixed=(0, 2))
    engine = draw.choice(_engines(cell))
    wrong = ("cuda", "", 3, b"loop", ["loop"])

    def call(x: Any, state: Any, lengths: Any, engine: Any) -> Any:
        return unroll(cell, x, state, lengths=lengths, engine=engine)

    return call, {
        "x": x,
        "state": state,
        "lengths": lengths(),
        "engine": Choice(engine, optional=True, wrong=wrong),
    }


def _stepped(kind: type[cells.Cell[Any]], draw: random.Random) -> Entry:
    cell = kind(SIZE, WIDTH)
    state = State(cell.initial_state(BATCH), optional=True)
    return cell, {"x": real(BATCH, SIZE, fixed=(0, 1)), "state": state}


def _layered(layer: layers.Layer) -> Entry:
    state = State(layer.initial_state(BATCH), optional=True)
    x = real(BATCH, TIME, layer.input_size, fixed=(0, 2))
    return layer, {"x": x, "state": state, "lengths": lengths()}


def _branched(layer: layers.Layer) -> Entry:
    state = State(layer.initial_state(BATCH))

    def call(x: Any, state: Any) -> Any:
        return _as_many(layer.branch(x, state), x)

    return call, {"x": real(BATCH, TIME, layer.input_size, fixed=(2,)), "state": state}


def _as_many(y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Return outputs; a state of several times as many rows as x is right, and here no one's."""
    if len(y) != len(x):
        raise InputError(f"{len(y)} rows of {len(x)}")
    return y


def _branched_cell(kind: type[cells.Cell[Any]]) -> Entry:
    cell = kind(SIZE, WIDTH)
    x, state = real(BATCH, TIME, SIZE, fixed=(2,)), State(cell.initial_state(BATCH))

    def call(x: Any, state: Any) -> Any:
        return _as_many(branch(cell, x, state), x)

    return call, {"x": x, "state": state}


def _stateless(layer: layers.Layer, *, free: bool = False) -> Entry:
    x = real(BATCH, TIME, layer.input_size, fixed=(0, 2), free=free)
    return layer, {"x": x, "lengths": lengths()}


def _aligned() -> Entry:
    layer = layers.Stack(cells.GRU(SIZE, WIDTH), layers.LookAhead(WIDTH, 2))

    def call(x: Any, lengths: Any) -> Any:
        return layers.aligned(layer, x, lengths)

    return call, {"x": real(BATCH, TIME, SIZE, fixed=(0, 2)), "lengths": lengths()}


def _pooled(pool: nn.Module, free: bool) -> Entry:
    x = real(BATCH, TIME, WIDTH, fixed=(0,) if free else (0, 2), free=free)
    return pool, {"y": x, "lengths": lengths()}


def _attended(attention: layers.Attention) -> Entry:
    keys = attention.from_memory.out_features
    return attention, {
        "query": real(BATCH, TIME, SIZE, fixed=(0, 2)),
        "memory": real(BATCH, 7, WIDTH, fixed=(0, 1, 2)),
        "mask": Mask(torch.rand(BATCH, 7) < 0.5, optional=True),
        "keys": Array(torch.randn(BATCH, 7, keys), optional=True, fixed=(0, 1, 2)),
    }


def _stream(layer: layers.Layer, method: str) -> Entry:
    stream = Stream(layer, BATCH, capacity=BATCH + 2)
    some = ([7], [0, 0], ["a"], [0.0], [-1], [True], 3, "0", [[0]], [None], [1 << 70])
    rows = Choice([2, 0, 1], wrong=some)
    out = real(BATCH, layer.output_size, fixed=(0, 1))
    out.optional = True
    arguments: dict[str, Arguments] = {
        "step": {
            "x": real(BATCH, layer.input_size, fixed=(0, 1)),
            "out": out,
            "rows": Choice(None, optional=True, wrong=some),
        },
        "write": {"state": State(layer.initial_state(BATCH)), "rows": rows},
        "read": {"rows": rows},
        "reset": {"rows": rows},
    }
    rows.optional = True
    return getattr(stream, method), arguments[method]


def _opened() -> Entry:
    layer = layers.Recurrent(cells.GRU(SIZE, WIDTH))
    sizes = (-1, "1", 1.5, [], True, 1 << 80)
    return Stream, {
        "layer": Choice(layer, wrong=(nn.Linear(2, 2), "GRU", 3, torch.zeros(2))),
        "rows": Choice(2, wrong=sizes),
        "capacity": Choice(4, optional=True, wrong=(0, 1, *sizes)),
        "weights": Choice("float32", wrong=("float64", 3, "", b"int8")),
        "threads": Choice(1, wrong=(0, 1 << 40, *sizes)),
    }


def _classified(loss: bool) -> Entry:
    torch.manual_seed(0)
    embed = nn.Embedding(KINDS, SIZE)
    net = topologies.ManyToOne(
        embed, layers.Recurrent(cells.GRU(SIZE, WIDTH)), layers.Last(), nn.Linear(WIDTH, KINDS)
    )
    x = whole(BATCH, TIME, fixed=(0,) if loss else ())
    x.dims = False  # another axis may be one of features
    if not loss:  # all steps count
        return net, {"x": x}

    def call(x: Any, lengths: Any, y: Any, smoothing: Any) -> Any:
        return net.loss(Labelled(x, lengths, y), smoothing)

    return call, {
        "x": _live(x),
        "lengths": lengths(),
        "y": whole(BATCH, fixed=(0,)),
        "smoothing": Choice(0.1, wrong=(-0.1, 1.5, float("nan"), "0.1", True)),
    }


def _heard() -> Entry:
    net = topologies.ManyToOne(
        nn.Embedding(KINDS, SIZE),
        layers.Recurrent(cells.GRU(SIZE, WIDTH)),
        layers.Mean(),
        nn.Linear(WIDTH, KINDS),
    )
    x = whole(BATCH, TIME)
    x.dims = False  # another axis may be one of features
    return net.heard, {"x": x}


def _live(x: Array) -> Array:
    """Return tokens that are wrong only where a row has steps: any may lie beyond."""
    x.most = None
    return x


def _tagged(output: topologies.Softmax | topologies.CRF, method: str) -> Entry:
    scores = real(BATCH, TIME, KINDS, fixed=(0, 1, 2) if method == "loss" else (0,), free=True)
    if isinstance(output, topologies.CRF):
        scores.fixed = (0, 2)
    elif method == "loss":
        scores.fixed = (0, 1)
    steps = Lengths(LENGTHS)
    if method == "decode":
        return output.decode, {"scores": scores, "lengths": steps}
    tags = whole(BATCH, TIME, fixed=(0, 1))
    tags.most = None
    return output.loss, {"scores": scores, "tags": tags, "lengths": steps}


def _normed() -> Entry:
    live = Mask(torch.rand(BATCH, TIME, WIDTH) < 0.7, optional=True)
    x = real(BATCH, TIME, WIDTH, fixed=(0, 1, 2))
    return layers.ReversibleNorm(WIDTH, affine=True), {"x": x, "live": live}


def _foretold(output: Distribution, method: str) -> Entry:
    raw = real(BATCH, TIME, output.size, fixed=(0, 1, 2) if method == "loss" else (2,), free=True)
    if method == "loss":
        live = torch.arange(TIME) < LENGTHS[:, None]
        return output.loss, {
            "raw": raw,
            "y": real(BATCH, TIME, fixed=(0, 1)),
            "live": Mask(live, optional=True),
        }
    raw.dims = False
    return partial(output.quantile, levels=[0.5]), {"raw": raw}


def _ahead(loss: bool) -> Entry:
    net = topologies.Forecaster(
        layers.Recurrent(cells.GRU(WIDTH, WIDTH)),
        Gaussian(),
        SIZE,
        segment=2,
        horizon=3,
        covariates=1,
    )
    given: Arguments = {
        "past": real(BATCH, TIME, SIZE, fixed=(0, 1, 2)),
        "known": real(BATCH, TIME + 3, 1, fixed=(0, 1, 2)),
    }
    if not loss:
        return net, given

    def call(past: Any, known: Any, future: Any) -> Any:
        return net.loss(Foretold(past, known, future))

    return call, {**given, "future": real(BATCH, 3, SIZE, fixed=(0, 1, 2))}


def _tagger() -> Entry:
    net = topologies.ManyToManyEqual(
        nn.Linear(SIZE, SIZE),
        layers.Bidirectional(cells.GRU(SIZE, WIDTH), cells.GRU(SIZE, WIDTH)),
        nn.Linear(2 * WIDTH, KINDS),
        topologies.CRF(KINDS),
    )

    def call(x: Any, lengths: Any, y: Any) -> Any:
        return net.loss(Aligned(x, lengths, y))

    tags = whole(BATCH, TIME, fixed=(0, 1))
    tags.most = None
    x = real(BATCH, TIME, SIZE, fixed=(0, 1, 2))
    return call, {"x": x, "lengths": Lengths(LENGTHS), "y": tags}


def _by_steps() -> Entry:
    x = real(BATCH, TIME, SIZE, fixed=(0, 2))
    layer = layers.Pointwise(nn.Linear(SIZE, WIDTH), SIZE, WIDTH)

    def call(x: Any, lengths: Any) -> Any:
        return layer(x, lengths=lengths)

    return call, {"x": x, "lengths": lengths()}


def _transcribed(loss: bool) -> Entry:
    net = topologies.CTC(
        layers.FrameStack(layers.FixedScale([0.0], [1.0]), SIZE),
        nn.Linear(SIZE, SIZE),
        layers.Recurrent(cells.GRU(SIZE, WIDTH)),
        nn.Linear(WIDTH, KINDS),
        KINDS,
    )
    x = real(BATCH, TIME, SIZE, fixed=(0, 2))
    if not loss:
        return net, {"x": x, "lengths": lengths()}

    def call(x: Any, lengths: Any, y: Any, y_lengths: Any) -> Any:
        return net.loss(Transcribed(x, lengths, y, y_lengths))

    symbols = whole(BATCH, 2, fixed=(0,))
    symbols.most = None
    return call, {
        "x": x,
        "lengths": Lengths(LENGTHS),
        "y": symbols,
        "y_lengths": Lengths(torch.tensor([2, 0, 1])),
    }


def _one() -> Entry:
    net = topologies.OneToOne(
        nn.Linear(SIZE, SIZE), cells.LSTM(SIZE, WIDTH), nn.Linear(WIDTH, KINDS)
    )

    def call(x: Any, y: Any) -> Any:
        return net.loss(Single(x, y))

    return call, {"x": real(BATCH, SIZE, fixed=(0, 1)), "y": whole(BATCH, fixed=(0,))}


def _together(loss: bool) -> Entry:
    def make() -> nn.Module:
        return topologies.OneToOne(
            nn.Linear(SIZE, SIZE), cells.LSTM(SIZE, WIDTH), nn.Linear(WIDTH, KINDS)
        )

    net: Any = topologies.Ensemble.of(2, make)
    x = real(BATCH, SIZE, fixed=(0, 1) if loss else (1,))
    if not loss:
        return net, {"x": x}

    def call(x: Any, y: Any) -> Any:
        return net.eval().loss(Single(x, y))

    return call, {"x": x, "y": whole(BATCH, fixed=(0,))}


def _decoder(attention: layers.Attention | None) -> topologies.Decoder:
    return topologies.Decoder(
        KINDS,
        SIZE,
        layers.Recurrent(cells.GRU(SIZE + WIDTH, WIDTH)),
        context_size=WIDTH,
        attention=attention,
    )


def _written(loss: bool, members: int = 1) -> Entry:
    def make() -> topologies.Writer:
        encoder = layers.Recurrent(cells.GRU(SIZE, WIDTH))
        decoder = _decoder(layers.MultiplicativeAttention(WIDTH, WIDTH))
        return topologies.ManyToManyUnequal(nn.Embedding(KINDS, SIZE), encoder, decoder)

    net = topologies.Writers.of(members, make).eval()
    context = whole(BATCH, 4, fixed=(0,))
    context.dims = False
    context_lengths = Lengths(torch.tensor([4, 2, 0]), optional=True)
    if not loss:
        x = whole(BATCH, TIME, fixed=(0,))
        return net, {
            "context": _live(context),
            "x": _live(x),
            "lengths": lengths(),
            "context_lengths": context_lengths,
        }

    def call(context: Any, x: Any, y: Any, lengths: Any, context_lengths: Any) -> Any:
        return net.loss(Paired(context, x, y, lengths, context_lengths))

    return call, {
        "context": _live(context),
        "x": _live(whole(BATCH, TIME, fixed=(0, 1))),
        "y": _live(whole(BATCH, TIME, fixed=(0, 1))),
        "lengths": Lengths(LENGTHS),
        "context_lengths": context_lengths,
    }


def _advanced() -> Entry:
    decoder = _decoder(layers.AdditiveAttention(WIDTH, WIDTH, 3))
    state = decoder.start(torch.randn(BATCH, WIDTH), torch.randn(BATCH, 7, WIDTH))

    def call(token: Any, body: Any, context: Any, memory: Any, mask: Any) -> Any:
        return decoder.advance(
            token, state._replace(body=body, context=context, memory=memory, mask=mask)
        )

    return call, {
        "token": whole(BATCH, fixed=(0,)),
        "body": State(state.body),
        "context": real(BATCH, WIDTH, fixed=(0, 1)),
        "memory": real(BATCH, 7, WIDTH, fixed=(0, 1, 2)),
        "mask": Mask(state.mask, optional=True),
    }


def _begun() -> Entry:
    decoder = _decoder(layers.AdditiveAttention(WIDTH, WIDTH, 3))
    return decoder.start, {
        "context": real(BATCH, WIDTH, fixed=(0, 1)),
        "memory": real(BATCH, 7, WIDTH, fixed=(0, 2)),
        "mask": Mask(torch.ones(BATCH, 7, dtype=torch.bool), optional=True),
    }


def _foretelling(method: str) -> Entry:
    body = layers.Recurrent(cells.GRU(SIZE, WIDTH))
    net = topologies.LanguageModel(nn.Embedding(KINDS, SIZE), body, nn.Linear(WIDTH, KINDS))
    state = State(body.initial_state(BATCH), optional=True)
    arguments: dict[str, Arguments] = {
        "read": {"x": whole(BATCH, TIME, fixed=(0,)), "state": state},
        "start": {"context": whole(BATCH, TIME)},
        "advance": {"token": whole(BATCH, fixed=(0,)), "state": state},
    }
    return getattr(net, method), arguments[method]


def _held(output: topologies.Sets) -> Entry:
    y = real(BATCH, TIME, KINDS, fixed=(0, 1, 2))
    y.value = (y.value > 0).float()
    return output.loss, {
        "scores": real(BATCH, TIME, output.size, fixed=(0, 1, 2), free=True),
        "y": y,
        "lengths": Lengths(LENGTHS.clone()),
    }


def _by_chunks() -> Entry:
    def criterion(y: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return nn.functional.cross_entropy(y.transpose(1, 2), target, reduction="none")

    network = layers.Recurrent(cells.GRU(SIZE, WIDTH))
    target = torch.randint(0, WIDTH, (BATCH, TIME))  # what it may be is the criterion's affair

    def call(x: Any, lengths: Any = None) -> Any:
        return layers.step_losses(network, x, criterion, target, every=2, lengths=lengths)

    return call, {"x": real(BATCH, TIME, SIZE, fixed=(0, 1, 2)), "lengths": lengths()}


def _entropy() -> Entry:
    return topologies.cross_entropy, {
        "logits": real(BATCH, TIME, KINDS, fixed=(0, 1), free=True),
        "targets": whole(BATCH, TIME, fixed=(0, 1)),
        "live": Mask(torch.ones(BATCH, TIME, dtype=torch.bool), optional=True),
    }


def _given_lengths(function: Callable[..., Any]) -> Entry:
    if function is layers.within:
        any_size = Lengths(LENGTHS, resized=False)
        return function, {"lengths": any_size, "time": Choice(TIME, wrong=("5", -3, 1.5))}
    x = Array(torch.randn(BATCH, TIME, SIZE), fixed=(0,), dtypes=(), placed=False)
    return function, {"x": x, "lengths": lengths()}


def _converted() -> Entry:
    layer = layers.Stack(cells.LSTM(SIZE, WIDTH), cells.LSTM(WIDTH, WIDTH))

    def call(h: Any, c: Any) -> Any:
        return layers.state_from_torch(layer, (h, c))

    return call, {
        "h": real(2, BATCH, WIDTH, fixed=(0, 1, 2)),
        "c": real(2, BATCH, WIDTH, fixed=(0, 1, 2)),
    }


def _converted_back() -> Entry:
    layer = layers.Stack(cells.LSTM(SIZE, WIDTH), cells.LSTM(WIDTH, WIDTH))

    def call(state: Any) -> Any:
        return layers.state_to_torch(layer, state)

    return call, {"state": State(layer.initial_state(BATCH), rows=False)}


def _module(function: Callable[..., Any], right: nn.Module) -> Entry:
    wrong = (nn.Linear(SIZE, WIDTH), "LSTM", 3, torch.zeros(2), (right,))
    return lambda given: function(given), {"given": Choice(right, wrong=wrong)}


def _streamed() -> layers.Layer:
    return layers.Stack(cells.LSTM(SIZE, WIDTH), cells.MinGRU(WIDTH, WIDTH))


def _looped() -> layers.Layer:
    return layers.Stack(cells.MLSTM(SIZE, WIDTH), layers.LookAhead(WIDTH, 2))


MAKERS: dict[str, Callable[[random.Random], Entry]] = {
    **{
        f"unroll {kind.__name__}": lambda draw, kind=kind: _unrolled(kind, draw)
        for kind in cells.CELLS
    },
    **{
        f"cell {kind.__name__}": lambda draw, kind=kind: _stepped(kind, draw)
        for kind in cells.CELLS
    },
    "Recurrent": lambda draw: _layered(layers.Recurrent(cells.LSTM(SIZE, WIDTH))),
    "Recurrent weight drop": lambda draw: _layered(
        layers.Recurrent(cells.GRU(SIZE, WIDTH), weight_drop=0.5)
    ),
    "Stack": lambda draw: _layered(layers.Stack(cells.GRU(SIZE, WIDTH), cells.LRU(WIDTH, WIDTH))),
    "Stack variational": lambda draw: _layered(
        layers.Stack(cells.GRU(SIZE, 4), cells.GRU(4, 4), dropout=0.5, variational=True)
    ),
    "branch": lambda draw: _branched_cell(draw.choice(cells.CELLS)),
    "Recurrent.branch": lambda draw: _branched(layers.Recurrent(cells.SLSTM(SIZE, WIDTH))),
    "Convolution.branch": lambda draw: _branched(layers.Convolution(SIZE, WIDTH, 3).eval()),
    "Residual.branch": lambda draw: _branched(layers.Residual(cells.GRU(WIDTH, WIDTH))),
    "Stack.branch": lambda draw: _branched(
        layers.Stack(cells.GRU(SIZE, WIDTH), cells.MinLSTM(WIDTH, WIDTH))
    ),
    "Bidirectional": lambda draw: _layered(
        layers.Bidirectional(cells.LSTM(SIZE, WIDTH), cells.MinGRU(SIZE, WIDTH))
    ),
    "Residual": lambda draw: _layered(layers.Residual(cells.RGLRU(WIDTH, WIDTH))),
    "Residual late": lambda draw: _layered(
        layers.Residual(layers.Stack(cells.GRU(4, 4), layers.LookAhead(4, 2)))
    ),
    "FrameStack": lambda draw: _layered(
        layers.FrameStack(layers.Recurrent(cells.GRU(SIZE, WIDTH)), 2)
    ),
    "Pointwise": lambda draw: _by_steps(),
    "LookAhead": lambda draw: _layered(layers.LookAhead(SIZE, 2)),
    "Convolution": lambda draw: _layered(layers.Convolution(SIZE, WIDTH, 3).eval()),
    "Beside": lambda draw: _layered(
        layers.Beside(cells.GRU(SIZE, WIDTH), layers.LookAhead(SIZE, 2))
    ),
    "LiveNorm": lambda draw: _pooled(layers.LiveNorm(WIDTH), False),
    "PlaneConvolution": lambda draw: _layered(layers.PlaneConvolution(SIZE, 2, 3, 1)),
    "Convolution without a norm": lambda draw: _layered(
        layers.Convolution(SIZE, WIDTH, 3, normed=False)
    ),
    "Running": lambda draw: _layered(layers.Running(layers.AttentionPool(SIZE), SIZE)),
    "LogMel": lambda draw: _layered(layers.LogMel(1000, 8, 20, 3)),
    "Cepstrum": lambda draw: _layered(layers.Cepstrum(1000, 8, 20, 3, 2)),
    "FixedScale": lambda draw: _stateless(layers.FixedScale([0.0, 1.0], [1.0, 2.0])),
    "SpecAugment": lambda draw: _stateless(layers.SpecAugment(SIZE, 1, 1).train(), free=True),
    "WaveAugment": lambda draw: _stateless(
        layers.WaveAugment(SIZE, noise=0.1, shift=1).train(), free=True
    ),
    "aligned": lambda draw: _aligned(),
    "Last": lambda draw: _pooled(layers.Last(), True),
    "Mean": lambda draw: _pooled(layers.Mean(), True),
    "Max": lambda draw: _pooled(layers.Max(), True),
    "AttentionPool": lambda draw: _pooled(layers.AttentionPool(WIDTH), False),
    "ReversibleNorm": lambda draw: _normed(),
    "AdditiveAttention": lambda draw: _attended(layers.AdditiveAttention(SIZE, WIDTH, 3)),
    "MultiplicativeAttention": lambda draw: _attended(layers.MultiplicativeAttention(SIZE, WIDTH)),
    **{
        f"Stream.{method} {engine}": lambda draw, method=method, make=make: _stream(make(), method)
        for engine, make in [("native", _streamed), ("loop", _looped)]
        for method in ("step", "write", "read", "reset")
    },
    "Stream": lambda draw: _opened(),
    "ManyToOne": lambda draw: _classified(False),
    "ManyToOne.loss": lambda draw: _classified(True),
    "ManyToOne.heard": lambda draw: _heard(),
    "ManyToManyEqual.loss": lambda draw: _tagger(),
    "Forecaster": lambda draw: _ahead(False),
    "Forecaster.loss": lambda draw: _ahead(True),
    "CTC": lambda draw: _transcribed(False),
    "CTC.loss": lambda draw: _transcribed(True),
    "OneToOne.loss": lambda draw: _one(),
    "Ensemble.loss": lambda draw: _together(True),
    "ManyToManyUnequal": lambda draw: _written(False),
    "ManyToManyUnequal.loss": lambda draw: _written(True),
    "Writers": lambda draw: _written(False, 2),
    "Writers.loss": lambda draw: _written(True, 2),
    "Decoder.advance": lambda draw: _advanced(),
    "Decoder.start": lambda draw: _begun(),
    **{
        f"LanguageModel.{method}": lambda draw, method=method: _foretelling(method)
        for method in ("read", "start", "advance")
    },
    **{
        f"{type(output).__name__}.{method}": lambda draw, output=output, method=method: _tagged(
            output, method
        )
        for output in (topologies.Softmax(), topologies.CRF(KINDS))
        for method in ("loss", "decode")
    },
    **{
        f"{type(output).__name__}.{method}": lambda draw, output=output, method=method: _foretold(
            output, method
        )
        for output in (Point(), Gaussian(), StudentT(), Quantiles())
        for method in ("loss", "quantile")
    },
    **{
        f"{type(output).__name__}.loss": lambda draw, output=output: _held(output)
        for output in (topologies.Bernoulli(KINDS), topologies.NADE(KINDS, 3))
    },
    "cross_entropy": lambda draw: _entropy(),
    "step_losses": lambda draw: _by_chunks(),
    "within": lambda draw: _given_lengths(layers.within),
    "zero_beyond": lambda draw: _given_lengths(layers.zero_beyond),
    "state_from_torch": lambda draw: _converted(),
    "state_to_torch": lambda draw: _converted_back(),
    "from_torch": lambda draw: _module(layers.from_torch, nn.GRU(SIZE, WIDTH)),
    "to_torch": lambda draw: _module(layers.to_torch, layers.Recurrent(cells.GRU(SIZE, WIDTH))),
    "Recurrent of a cell": lambda draw: _module(layers.Recurrent, cells.GRU(SIZE, WIDTH)),
    "Stack of cells": lambda draw: _module(layers.Stack, cells.GRU(SIZE, WIDTH)),
}
