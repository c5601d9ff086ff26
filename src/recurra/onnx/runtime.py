"""Graphs as ONNX Runtime runs them, on torch's tensors."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from recurra.errors import MissingExtra
from recurra.onnx.graph import Graph

Run = Mapping[str, "Session"]  # by a graph's name


class Session:
    """A graph that is run: tensors in, tensors out.

    Args:
        graph: what was exported.
        model: its bytes, as they are written.
        threads: of the processor.
    Raises:
        MissingExtra: onnxruntime is not installed.
    """

    def __init__(self, graph: Graph, model: bytes, threads: int = 1) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise MissingExtra("running an exported graph", "onnxruntime", "export") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3  # warnings are of names that its own optimiser leaves over
        self.graph = graph
        self.session: Any = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )
        self.taken = {value.name for value in self.session.get_inputs()}

    @cached_property
    def exact(self) -> nn.Module:
        """The network in 64 bits."""
        return copy.deepcopy(self.graph.network).double().eval()

    def __call__(self, *given: Tensor) -> list[Tensor]:
        """Return the outputs, in the graph's order."""
        feeds = {
            value.name: one.detach().to(value.kind).contiguous().numpy()
            for value, one in zip(self.graph.inputs, given, strict=True)
            if value.name in self.taken
        }
        names = [value.name for value in self.graph.outputs]
        return [torch.from_numpy(found) for found in self.session.run(names, feeds)]
