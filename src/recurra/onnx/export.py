"""A trained model, or a layer, as a folder of graphs that any ONNX runtime runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from recurra.bundle import own_version
from recurra.cells import Cell
from recurra.data.batch import Aligned
from recurra.errors import RecurraError
from recurra.layers import Layer, as_layer
from recurra.onnx.graph import Graph, Value, to_onnx
from recurra.onnx.layers import sequence, step
from recurra.onnx.parity import BOUND, Compared, compare
from recurra.onnx.runtime import Session
from recurra.onnx.standin import stand_in
from recurra.onnx.topologies import graphs
from recurra.storage import reason, replace, replace_text, sha256
from recurra.tasks.model import Model
from recurra.training.recipe import Recipe

SCHEMA, DESCRIPTION = 1, "export.json"
SIZES = 1, 3, 8  # rows of the batches that are compared


@dataclass(frozen=True)
class Exported:
    """What was written, and how far it is from what it was made of.

    Args:
        folder: of the graphs.
        graphs: bytes of each file, by its name.
        compared: numbers beside the network's own.
        metrics: by name, the network's and the graphs'; of a layer none.
        rows: examples that the metrics are of.
    """

    folder: Path
    graphs: Mapping[str, int]
    compared: Sequence[Compared]
    metrics: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    rows: int = 0


def export(
    model: Model | Layer | Cell[Any], to: str | Path, *, data: str | None = None, rows: int = 200
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
    Raises:
        RecurraError: a part has no graph, or the graphs differ: by more than 10⁻⁴, or in a metric.
        MissingExtra: onnxscript or onnxruntime is not installed.
    """
    if rows < 1:
        raise RecurraError(f"rows is {rows}; at least 1 example shows what graphs are worth")
    if isinstance(model, Model):
        return _model(model, Path(to), data, rows)
    return _layer(as_layer(model), Path(to))


def _model(model: Model, folder: Path, data: str | None, rows: int) -> Exported:
    recipe, found = model.asked(data)
    some = list(found[:rows])
    if not some:
        raise RecurraError("there is no example to compare graphs on; name some with --data")
    network = model.network.to("cpu").eval()
    items = model.task.items(model.codec, some, recipe)
    sizes = [size for size in SIZES if size <= len(items)]
    batches = [model.codec.collate([items[i] for i in range(size)]) for size in sizes]
    models = {graph.name: (graph, to_onnx(graph)) for graph in graphs(network, batches[-1])}
    run = {name: Session(graph, one.SerializeToString()) for name, (graph, one) in models.items()}
    compared = compare(run, batches)
    other = stand_in(network, run, batches[-1])
    own, theirs = (model.task.evaluate(one, model.codec, some, recipe) for one in (network, other))
    metrics = {name: (own[name], theirs[name]) for name in own}
    _check(compared, metrics)
    described = {
        "task": model.task.name,
        "type": model.task.type,
        "decoding": _decoding(model.recipe),
        "files": {name: sha256(text.encode()) for name, text in model.codec.files().items()},
    }
    written = _write(folder, models, described, compared, metrics, model.codec.files())
    return Exported(folder, written, compared, metrics, len(some))


def _layer(layer: Layer, folder: Path) -> Exported:
    layer = layer.to("cpu").eval()
    found = [sequence(layer), *([step(layer)] if layer.streams else [])]
    models = {graph.name: (graph, to_onnx(graph)) for graph in found}
    run = {name: Session(graph, one.SerializeToString()) for name, (graph, one) in models.items()}
    drawn = torch.Generator().manual_seed(0)
    batches = []
    for size in SIZES:
        x = torch.randn(size, 4 * size, layer.input_size, generator=drawn)
        lengths = torch.randint(0, x.shape[1] + 1, (size,), generator=drawn)
        lengths[0] = x.shape[1]
        batches.append(Aligned(x, lengths, x))
    compared = compare(run, batches)
    _check(compared, {})
    return Exported(folder, _write(folder, models, {}, compared, {}, {}), compared)


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


def _write(
    folder: Path,
    models: Mapping[str, tuple[Graph, Any]],
    described: Mapping[str, Any],
    compared: Sequence[Compared],
    metrics: Mapping[str, tuple[float, float]],
    files: Mapping[str, str],
) -> dict[str, int]:
    """Write graphs and files, and last what describes them; return the sizes of the graphs."""
    sizes, told = dict[str, int](), dict[str, Any]()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, (graph, model) in models.items():
            content: bytes = model.SerializeToString()
            replace(folder / f"{name}.onnx", partial(Path.write_bytes, data=content))
            sizes[f"{name}.onnx"] = len(content)
            told[name] = {
                "file": f"{name}.onnx",
                "sha256": sha256(content),
                "delay": graph.delay,
                "inputs": [_described(value) for value in graph.inputs],
                "outputs": [_described(value) for value in graph.outputs],
            }
        for name, text in files.items():
            replace_text(folder / name, text)
        head = {"schema": SCHEMA, "recurra": own_version(), **described, "graphs": told}
        parity = {
            "compared": [one._asdict() for one in compared],
            "metrics": {name: {"network": a, "graphs": b} for name, (a, b) in metrics.items()},
        }
        text = json.dumps({**head, "parity": parity}, indent=1, ensure_ascii=False)
        replace_text(folder / DESCRIPTION, text + "\n")
    except OSError as error:
        raise RecurraError(f"{folder} cannot be written: {reason(error)}") from error
    return sizes


def _described(value: Value) -> dict[str, Any]:
    """Return a value as JSON says it; an initial state of equal numbers is one of them."""
    found = {
        "name": value.name,
        "sizes": list(value.sizes),
        "type": str(value.kind).removeprefix("torch."),
        "means": value.means,
    }
    if value.initial is not None:
        found["initial"] = _initial(value.initial)
    return found


def _initial(row: Tensor) -> Any:
    first = row.flatten()[0] if row.numel() else torch.tensor(0.0)
    return first.item() if bool((row == first).all()) else row.tolist()
