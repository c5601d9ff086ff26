"""A trained model, or a layer, as a folder of graphs that any ONNX runtime runs."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch

from recurra.cells import Cell
from recurra.data.batch import Aligned
from recurra.errors import RecurraError, unknown
from recurra.layers import Layer, as_layer
from recurra.onnx.folder import Content, write
from recurra.onnx.graph import Graph, to_onnx
from recurra.onnx.layers import sequence, step
from recurra.onnx.narrow import KINDS, Narrowed
from recurra.onnx.parity import BOUND, Compared, compare
from recurra.onnx.runtime import Run, Session
from recurra.onnx.standin import stand_in
from recurra.onnx.topologies import graphs
from recurra.tasks.model import Model
from recurra.tasks.streams.tags import path_of
from recurra.tasks.watch import Watchman
from recurra.topologies import ManyToManyEqual
from recurra.training.recipe import Recipe

SIZES = 1, 3, 8  # rows of the batches that are compared
PATHS = "data", "valid", "test", "windows", "lm"  # of this machine
READ = "seed", "batch_size", "sample_rate", "hop_ms", "output", "strategy"  # beside these groups


@dataclass(frozen=True)
class Exported:
    """What was written, and how far it is from what it was made of.

    Args:
        folder: of the graphs.
        graphs: bytes of each file, by its name.
        compared: numbers beside the network's own.
        metrics: by name, the network's and the graphs'; of a layer none.
        rows: examples that the metrics are of.
        seconds: of the task's evaluation by the graphs.
        narrowed: by kind of weights, what they are worth.
    """

    folder: Path
    graphs: Mapping[str, int]
    compared: Sequence[Compared]
    metrics: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    rows: int = 0
    seconds: float = 0.0
    narrowed: Mapping[str, Narrowed] = field(default_factory=dict)


def export(
    model: Model | Layer | Cell[Any],
    to: str | Path,
    *,
    data: str | None = None,
    rows: int = 200,
    weights: Sequence[str] = (),
) -> Exported:
    """Write the graphs of a trained model, or of a layer, and prove that they say the same.

    Of a model: the sequence graph (any batch and time), the step graph where it streams, encoder
    and step where it writes; the files of its codec; and export.json, which says what goes in and
    out, from which state to begin and with which settings to decode. Before anything is called
    done, ONNX Runtime computes real examples in batches of several sizes, whole, in chunks and step
    by step, and the task's metrics.

    Args:
        model: what is exported.
        to: the folder; made where it is missing.
        data: real examples of the model's task; None: its own test part.
        rows: how many of them, at most.
        weights: of a model, narrower ones to write beside: fp16, int8, int8-dynamic.
    Raises:
        RecurraError: a part has no graph, or the graphs differ: by more than 10⁻⁴, or in a metric.
        MissingExtra: onnxscript or onnxruntime is not installed.
    """
    if rows < 1:
        raise RecurraError(f"rows is {rows}; at least 1 example shows what graphs are worth")
    for kind in weights:
        if kind not in KINDS:
            raise unknown("weights", kind, list(KINDS))
    if isinstance(model, Model):
        return _model(model, Path(to), data, rows, weights)
    if weights:
        raise RecurraError("weights are narrowed of a model alone: a layer has no metric")
    return _layer(as_layer(model), Path(to))


def _model(
    model: Model, folder: Path, data: str | None, rows: int, weights: Sequence[str]
) -> Exported:
    recipe, found = model.asked(data)
    some = list(found[:rows])
    if not some:
        raise RecurraError("there is no example to compare graphs on; name some with --data")
    network = model.network.to("cpu").eval()
    items = model.task.items(model.codec, some, recipe)
    sizes = [size for size in SIZES if size <= len(items)]
    batches = [model.codec.collate([items[i] for i in range(size)]) for size in sizes]
    written = _written(graphs(network, batches[-1]))

    def evaluated(run: Run) -> tuple[dict[str, float], float]:
        other, begun = stand_in(network, run, batches[-1]), time.perf_counter()
        return model.task.evaluate(other, model.codec, some, recipe), time.perf_counter() - begun

    run = {name: Session(*one) for name, one in written.items()}
    compared = compare(run, batches)
    own = model.task.evaluate(network, model.codec, some, recipe)
    theirs, seconds = evaluated(run)
    metrics = {name: (own[name], theirs[name]) for name in own}
    _check(compared, metrics)
    narrow = {kind: _narrow(written, kind) for kind in weights}
    narrowed = dict[str, Narrowed]()
    for kind, parts in narrow.items():
        said, took = evaluated({name: Session(written[name][0], parts[name]) for name in parts})
        narrowed[kind] = Narrowed(sum(map(len, parts.values())), took, said)
    named = {"task": model.task.name, "type": model.task.type}
    described = {**named, "decoding": _decoding(model.recipe), "recipe": _asked(model)}
    if isinstance(network, ManyToManyEqual) and (path := path_of(network)):
        described["path"] = path.asdict()
    files = model.codec.files()
    content = Content(written, compared, metrics, described, files, narrow, narrowed)
    return Exported(folder, write(folder, content), compared, metrics, len(some), seconds, narrowed)


def _layer(layer: Layer, folder: Path) -> Exported:
    layer = layer.to("cpu").eval()
    written = _written([sequence(layer), *([step(layer)] if layer.streams else [])])
    drawn = torch.Generator().manual_seed(0)
    batches = []
    for size in SIZES:
        x = torch.randn(size, 4 * size, layer.input_size, generator=drawn)
        lengths = torch.randint(0, x.shape[1] + 1, (size,), generator=drawn)
        lengths[0] = x.shape[1]
        batches.append(Aligned(x, lengths, x))
    compared = compare({name: Session(*one) for name, one in written.items()}, batches)
    _check(compared, {})
    return Exported(folder, write(folder, Content(written, compared)), compared)


def _written(found: Sequence[Graph]) -> dict[str, tuple[Graph, bytes]]:
    """Return each graph with its bytes, by name."""
    return {graph.name: (graph, to_onnx(graph).SerializeToString()) for graph in found}


def _narrow(written: Mapping[str, tuple[Graph, bytes]], kind: str) -> dict[str, bytes]:
    """Return the bytes of each graph with narrower weights."""
    import onnx

    return {
        name: KINDS[kind](onnx.load_from_string(one)).SerializeToString()
        for name, (_, one) in written.items()
    }


def _check(compared: Sequence[Compared], metrics: Mapping[str, tuple[float, float]]) -> None:
    for one in compared:
        if not one.difference <= BOUND:
            raise RecurraError(
                f"the {one.graph} graph differs from the network by {one.difference:.2g} "
                f"({one.how}), more than {BOUND:g}; nothing was written"
            )
    for name, (own, theirs) in metrics.items():
        if not abs(own - theirs) <= BOUND * max(1.0, abs(own)):
            raise RecurraError(
                f"{name} is {theirs:.6g} by the graphs and {own:.6g} by the network; nothing was "
                "written"
            )


def _decoding(recipe: Recipe) -> dict[str, Any]:
    """Return how a recipe decodes."""
    return {
        one.name: getattr(recipe, one.name)
        for one in fields(recipe)
        if one.metadata.get("group") == "decoding"
    }


def _asked(model: Model) -> dict[str, Any]:
    """Return what of a recipe decides how inputs are read and answered: no path, no training."""
    found = model.recipe.asdict()
    groups = {one.name: one.metadata.get("group") for one in fields(model.recipe)}
    if isinstance(model.network, Watchman):  # what its training has found
        found["threshold"] = model.network.limit(found["threshold"])
    return {
        name: value
        for name, value in found.items()
        if name in READ or (groups[name] in ("data", "decoding") and name not in PATHS)
    }
