"""Whether all ways to run a model say the same: whole, in chunks, step by step, from a bundle."""

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import recurra
from recurra.cells import CELLS
from recurra.layers import (
    Bidirectional,
    Last,
    Layer,
    LookAhead,
    Mean,
    Recurrent,
    Residual,
    Stack,
    aligned,
)
from recurra.onnx.graph import to_onnx
from recurra.onnx.parity import compare, difference
from recurra.onnx.runtime import Session
from recurra.onnx.topologies import graphs
from recurra.storage import load_tensors, save_tensors
from recurra.streaming import Stream
from recurra.tasks.catalogue import TASKS
from recurra.tasks.model import Model
from recurra.tasks.run import build, complete
from recurra.tasks.streams.causal import so_far
from recurra.topologies import ManyToManyEqual, ManyToOne, Softmax

ROWS, TIME, SIZE = 3, 23, 8
LAYERS: dict[str, Callable[[Any], Layer]] = {
    "one": lambda kind: Recurrent(kind(SIZE, SIZE)),
    "two": lambda kind: Stack(Recurrent(kind(SIZE, SIZE)), Recurrent(kind(SIZE, SIZE))),
    "residual": lambda kind: Residual(Recurrent(kind(SIZE, SIZE))),
    "look-ahead": lambda kind: Stack(Recurrent(kind(SIZE, SIZE)), LookAhead(SIZE, 2)),
    "two ways": lambda kind: Bidirectional(kind(SIZE, SIZE // 2), kind(SIZE, SIZE // 2)),
}
SMALL = {"hidden": 16, "embedding": 16, "device": "cpu", "threads": 1}


def measure() -> dict[str, Any]:
    """Return the largest differences, each as a share of the largest number or of 1.

    Weights are drawn, not trained: what is compared depends on no data.
    """
    torch.manual_seed(0)
    torch.set_num_threads(1)
    named = "cell", "layer", "topology"
    cells = [{**dict(zip(named, one, strict=True)), **apart} for one, apart in _cells()]
    tasks = {task.name: _task(task) for task in TASKS}
    return {
        "cells": cells,
        "tasks": tasks,
        "largest": max(
            value
            for one in [*cells, *tasks.values()]
            for value in one.values()
            if isinstance(value, float)
        ),
    }


@torch.no_grad()
def _cells() -> Iterator[tuple[tuple[str, str, str], dict[str, float]]]:
    """Yield every cell × layer × topology with how far chunks and steps are from the whole."""
    x = torch.randn(ROWS, TIME, SIZE)
    for kind in CELLS:
        for name, make in LAYERS.items():
            layer = make(kind).eval()
            yield (kind.__name__, name, "layer"), _layer(layer, x, aligned(layer, x))
            one = ManyToOne(nn.Identity(), layer, Mean(), nn.Linear(SIZE, 4)).eval()
            many = ManyToManyEqual(nn.Identity(), layer, nn.Linear(SIZE, 4), Softmax()).eval()
            if layer.streams:
                told = _layer(so_far(one), x, one.heard(x), one.head)
                told["whole"] = difference([one.heard(x)[:, -1]], [one(x)])
                yield (kind.__name__, name, "many-to-one"), told
                yield (kind.__name__, name, "many-to-many"), _layer(layer, x, many(x), many.head)
            last = ManyToOne(nn.Identity(), layer, Last(), nn.Linear(SIZE, 4)).eval()
            yield (kind.__name__, name, "bundle"), {"bundle": _bundle(last, x)}


def _layer(
    layer: Layer, x: Tensor, wanted: Tensor, head: Callable[[Tensor], Tensor] = lambda y: y
) -> dict[str, float]:
    """Return how far chunks and steps of a layer are from its whole."""
    if not layer.streams:
        return {}
    late = torch.cat([x, x.new_zeros(len(x), layer.delay, x.shape[2])], 1)
    state, parts = layer.initial_state(len(x)), []
    for part in late.split(5, 1):
        y, state = layer(part, state)
        parts.append(y)
    stream = Stream(layer, rows=len(x))
    steps = torch.stack([stream.step(frame) for frame in late.unbind(1)], 1)
    ways = {"chunks": torch.cat(parts, 1), "steps": steps}
    return {way: difference([head(y[:, layer.delay :])], [wanted]) for way, y in ways.items()}


def _bundle(network: nn.Module, x: Tensor) -> float:
    """Return how far a network is that was stored and read again."""
    wanted = network(x)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        save_tensors(path, network.state_dict(), {})
        tensors, _ = load_tensors(path)
    for leaf in network.parameters():
        leaf.zero_()
    network.load_state_dict(tensors)
    return difference([network(x)], [wanted])


def _task(task: Any) -> dict[str, float]:
    """Return how far graphs and a bundle are from a task's network, on its own examples."""
    recipe = complete(task, SMALL)
    splits = task.read(recipe)
    codec = task.fit(splits.train, recipe)
    model = Model(task, recipe, codec, build(task, codec, recipe).eval())
    items = task.items(codec, list(splits.test[:ROWS]), recipe)
    batch = codec.collate([items[i] for i in range(min(ROWS, len(items)))])
    run = {one.name: _session(one) for one in graphs(model.network, batch)}
    found = {f"{one.graph}, {one.how}": one.difference for one in compare(run, [batch])}
    with tempfile.TemporaryDirectory() as folder:
        model.save(folder)
        again = recurra.load(folder).network
    ours, theirs = model.network.state_dict(), again.state_dict()
    apart = difference([theirs[name] for name in ours], list(ours.values()))
    return {**found, "bundle": apart}


def _session(graph: Any) -> Session:
    return Session(graph, to_onnx(graph).SerializeToString())


if __name__ == "__main__":
    json.dump(measure(), sys.stdout, indent=1)
