"""Graphs with narrower weights: smaller files, and what they cost in answers."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST = 256  # numbers of a weight that is worth it


@dataclass(frozen=True)
class Narrowed:
    """What became of the graphs of a model.

    Args:
        bytes: of all graphs.
        seconds: of the task's evaluation by them.
        metrics: what it said.
    """

    bytes: int
    seconds: float
    metrics: Mapping[str, float]


def fp16(model: Any) -> Any:
    """Return a graph whose weights are stored in 16 bits, and widened before they are used."""
    from onnx import TensorProto, helper

    def stored(name: str, weight: NDArray[Any]) -> tuple[list[Any], Any]:
        half = weight.clip(-65504, 65504).astype(np.float16)
        node = helper.make_node("Cast", [f"{name}_fp16"], [name], to=TensorProto.FLOAT)
        return [(f"{name}_fp16", half)], node

    return _stored(model, stored)


def int8(model: Any) -> Any:
    """Return a graph whose matrices are stored in 8 bits, with a scale for each line.

    w ≈ s q        s = max |w| / 127 along a line, q = round(w / s)
    """
    from onnx import helper

    def stored(name: str, weight: NDArray[Any]) -> tuple[list[Any], Any]:
        axis = weight.ndim - 2
        others = tuple(i for i in range(weight.ndim) if i != axis)
        scale = np.maximum(np.abs(weight).max(others, keepdims=True), 1e-12) / 127
        whole = np.rint(weight / scale).astype(np.int8)
        names = [f"{name}_int8", f"{name}_scale"]
        node = helper.make_node("DequantizeLinear", names, [name], axis=axis)
        return [(names[0], whole), (names[1], scale.ravel().astype(np.float32))], node

    return _stored(model, stored)


def int8_dynamic(model: Any) -> Any:
    """Return a graph that multiplies in 8 bits: weights are rounded now, inputs as they come.

    By ONNX Runtime's tools: products, convolutions, embeddings and LSTMs.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.onnx"
        copied = onnx.ModelProto()
        copied.CopyFrom(model)  # which the tools change
        quantize_dynamic(copied, path, weight_type=QuantType.QInt8)
        return onnx.load(path)


KINDS: Mapping[str, Callable[[Any], Any]] = {
    "fp16": fp16,
    "int8": int8,
    "int8-dynamic": int8_dynamic,
}

Stored = Callable[[str, NDArray[Any]], tuple[list[Any], Any]]


def _stored(model: Any, stored: Stored) -> Any:
    """Return a graph whose large matrices are stored otherwise, and made before all else."""
    import onnx
    from onnx import TensorProto, numpy_helper

    other = onnx.ModelProto()
    other.CopyFrom(model)
    kept, nodes = [], []
    for initializer in other.graph.initializer:
        size = int(np.prod(initializer.dims))
        if initializer.data_type != TensorProto.FLOAT or size < LEAST or len(initializer.dims) < 2:
            kept.append(initializer)
            continue
        arrays, node = stored(initializer.name, numpy_helper.to_array(initializer))
        kept += [numpy_helper.from_array(array, name) for name, array in arrays]
        nodes.append(node)
    nodes += other.graph.node
    del other.graph.initializer[:], other.graph.node[:]
    other.graph.initializer.extend(kept)
    other.graph.node.extend(nodes)
    return other
