"""The graphs of a layer: over a sequence, and of one step from a state."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from recurra import tree
from recurra.layers import Layer
from recurra.onnx.graph import Graph, Value


def states(layer: Layer, suffix: str = "") -> tuple[Value, ...]:
    """Return the values of a layer's state, named by the symbols of its cells."""
    example = layer.initial_state(1)
    return tuple(
        Value(name + suffix, ("batch", *leaf.shape[1:]), "state", leaf.dtype, leaf[0].detach())
        for name, leaf in zip(tree.names(example), tree.leaves(example), strict=True)
    )


def sequence(layer: Layer) -> Graph:
    """Return x, lengths, state → y, next state, for any batch and time."""
    like = layer.initial_state(1)

    def run(layer: Any, x: Tensor, lengths: Tensor, *before: Tensor) -> list[Tensor]:
        y, after = layer(x, tree.unflatten(like, list(before)), lengths=lengths)
        return [y, *tree.leaves(after)]

    x = Value("x", ("batch", "time", layer.input_size), "inputs")
    y = Value("y", ("batch", "time", layer.output_size), "outputs; zero beyond lengths")
    lengths = Value("lengths", ("batch",), "steps of each row", torch.int64)
    given, outputs = (x, lengths, *states(layer)), (y, *states(layer, "_next"))
    return Graph("sequence", layer, run, given, outputs, layer.delay)


def step(layer: Layer) -> Graph:
    """Return x, state → y, next state, of one step, for any batch."""
    like = layer.initial_state(1)

    def run(layer: Any, x: Tensor, *before: Tensor) -> list[Tensor]:
        y, after = layer(x[:, None], tree.unflatten(like, list(before)))
        return [y.squeeze(1), *tree.leaves(after)]

    x, y = (
        Value(name, ("batch", size), means)
        for name, size, means in [
            ("x", layer.input_size, "input"),
            ("y", layer.output_size, "output"),
        ]
    )
    given, outputs = (x, *states(layer)), (y, *states(layer, "_next"))
    return Graph("step", layer, run, given, outputs, layer.delay)
