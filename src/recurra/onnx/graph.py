"""A module as a graph of ONNX, whose sizes are named."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from recurra.engines.base import WRITER
from recurra.errors import MissingExtra, RecurraError
from recurra.onnx.operators import OPERATORS, pack

LARGEST = 1 << 24  # of a named size, in a row or over rows: beyond it memory ends
FLOAT = torch.float32


@dataclass(frozen=True)
class Value:
    """A tensor that goes into a graph or comes out of it.

    Args:
        name: as the runtime is told.
        sizes: a number where it is fixed, else the size's name: "batch", "time".
        means: in words.
        kind: of its numbers.
        initial: of a state, a row before the first step; None: it is given otherwise.
    """

    name: str
    sizes: tuple[int | str, ...]
    means: str
    kind: torch.dtype = FLOAT
    initial: Tensor | None = None

    def example(self, sizes: Mapping[str, int]) -> Tensor:
        """Return zeros of these sizes."""
        shape = [sizes[size] if isinstance(size, str) else size for size in self.sizes]
        return torch.zeros(shape, dtype=self.kind)

    def begin(self, rows: int) -> Tensor:
        """Return so many rows of the state before the first step."""
        assert self.initial is not None, "it is the value of a state"
        return self.initial.expand(rows, *self.initial.shape)


@dataclass(frozen=True)
class Graph:
    """What becomes one file.

    Args:
        name: of the file.
        network: its weights.
        function: the inputs, in their order → the outputs, in theirs.
        inputs: what goes in.
        outputs: what comes out.
        delay: steps that an output lags behind its input.
    """

    name: str
    network: nn.Module
    function: Callable[..., Sequence[Tensor]]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    delay: int = 0

    @property
    def states(self) -> tuple[Value, ...]:
        """What goes in that a stream begins with and carries on."""
        return tuple(value for value in self.inputs if value.initial is not None)


class _Called(nn.Module):
    """A network and what is asked of it."""

    def __init__(self, network: nn.Module, function: Callable[..., Sequence[Tensor]]) -> None:
        super().__init__()
        self.network, self.function = network, function

    def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.function(self.network, *given))


def to_onnx(graph: Graph) -> Any:
    """Return the `onnx.ModelProto` of a graph, in evaluation mode, on the CPU.

    Raises:
        MissingExtra: onnx or onnxscript is not installed.
        RecurraError: a part of the network has no such graph, and the text says which operation.
    """
    try:
        import onnxscript  # noqa: F401, torch asks for it in the middle of its work
    except ImportError as error:
        raise MissingExtra("exporting", "onnxscript", "export") from error
    network = copy.deepcopy(graph.network).to("cpu").eval().requires_grad_(requires_grad=False)
    pack(network)
    sizes = {size for value in graph.inputs for size in value.sizes if isinstance(size, str)}
    # two different sizes of at least 2, so that neither is taken for a constant or for the other
    examples = {size: 3 + i for i, size in enumerate(sorted(sizes))}
    dims = {size: torch.export.Dim(size, min=1, max=LARGEST) for size in sizes}
    shapes = tuple(
        {i: dims[size] for i, size in enumerate(value.sizes) if isinstance(size, str)}
        for value in graph.inputs
    )
    token = WRITER.set(OPERATORS)
    quiet = logging.getLogger("torch.onnx")
    level = quiet.level
    quiet.setLevel(logging.ERROR)  # it tells that torchvision is not there
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            program = torch.export.export(
                _Called(network, graph.function),
                tuple(value.example(examples) for value in graph.inputs),
                dynamic_shapes=(shapes,),
            )
            written = torch.onnx.export(
                program,
                input_names=[value.name for value in graph.inputs],
                output_names=[value.name for value in graph.outputs],
                dynamo=True,
                verbose=False,
            )
    except (torch.onnx.OnnxExporterError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error.__cause__ or error).split())[:400]
        raise RecurraError(f"the {graph.name} graph cannot be exported: {reason}") from error
    finally:
        quiet.setLevel(level)
        WRITER.reset(token)
    assert written is not None, "it was not asked to write a file"
    return _unwrapped(written.model_proto)


def _unwrapped(model: Any) -> Any:
    """Return a model without an axis that is put in and taken out again, as around one step."""
    nodes = model.graph.node
    made = {name: node for node in nodes for name in node.output}
    for node in nodes:
        before = made.get(node.input[0]) if node.op_type == "Squeeze" else None
        if before is None or before.op_type != "Unsqueeze" or before.input[1] != node.input[1]:
            continue
        node.op_type, node.input[:] = "Identity", [before.input[0]]
    read = {name for node in nodes for name in node.input}
    read |= {value.name for value in model.graph.output}
    for node in [one for one in nodes if not read & set(one.output)]:
        nodes.remove(node)
    return model
