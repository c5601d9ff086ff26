"""ONNX Runtime with IO binding: its own recurrent operators, nothing copied at a call."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from recurra.benchmarks.contest import Peer
from recurra.benchmarks.job import Entry, Job
from recurra.cells import GRU, LSTM, Cell, Elman


def _operator(cell: Any) -> tuple[str, dict[str, Tensor], dict[str, Any], list[str]]:
    """Return operator, weights, attributes, and the names of the state's parts."""
    hidden = cell.output_size
    zeros = torch.zeros(hidden)
    if isinstance(cell, LSTM):  # ONNX: i, o, f, g
        kind, order, of_state = "LSTM", [0, 3, 1, 2], [zeros] * 4
    elif isinstance(cell, GRU):  # ONNX: z, r, n
        kind, order, of_state = "GRU", [1, 0, 2], [zeros, zeros, cell.state_bias]
    elif isinstance(cell, Elman):
        kind, order, of_state = "RNN", [0], [zeros]
    else:
        raise TypeError(f"ONNX has no operator for {type(cell).__name__}")

    def gates(weight: Tensor) -> Tensor:
        return torch.cat([torch.split(weight, hidden)[i] for i in order])

    weights = {
        "W": gates(cell.from_input)[None],
        "R": gates(cell.from_state)[None],
        "B": torch.cat([gates(cell.bias), *of_state])[None],
    }
    attributes: dict[str, Any] = {"hidden_size": hidden}
    if kind == "GRU":
        attributes["linear_before_reset"] = 1
    return kind, weights, attributes, ["h", "c"] if kind == "LSTM" else ["h"]


def session(cell: Cell[Any], batch: int, steps: int, threads: int, *, stateful: bool) -> Any:
    """Return an inference session of one layer, its sizes fixed."""
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    kind, weights, attributes, parts = _operator(cell)
    hidden, real = cell.output_size, TensorProto.FLOAT

    def value(name: str, *shape: int) -> Any:
        return helper.make_tensor_value_info(name, real, shape)

    initial = [f"{part}0" for part in parts] if stateful else []
    last = [f"{part}1" for part in parts] if stateful else []
    node = helper.make_node(kind, ["x", "W", "R", "B", "", *initial], ["y", *last], **attributes)
    graph = helper.make_graph(
        [node],
        kind,
        [value("x", steps, batch, cell.input_size), *(value(n, 1, batch, hidden) for n in initial)],
        [value("y", steps, 1, batch, hidden), *(value(n, 1, batch, hidden) for n in last)],
        [numpy_helper.from_array(w.detach().numpy(), name) for name, w in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def _bind(session: Any, inputs: dict[str, Tensor], outputs: dict[str, Tensor]) -> Any:
    import numpy as np

    binding = session.io_binding()
    for bind, tensors in ((binding.bind_input, inputs), (binding.bind_output, outputs)):
        for name, tensor in tensors.items():
            bind(name, "cpu", 0, np.float32, list(tensor.shape), tensor.data_ptr())
    return binding


def sequence(job: Job) -> Entry:
    """Return the operator over whole sequences; x lies time first, as the operator wants it."""
    batch, steps, _, hidden = job.shape
    bound = session(job.cell, batch, steps, torch.get_num_threads(), stateful=False)
    x = job.x.detach().transpose(0, 1).contiguous()
    y = torch.empty(steps, 1, batch, hidden)
    binding = _bind(bound, {"x": x}, {"y": y})

    def run() -> tuple[Tensor]:
        bound.run_with_iobinding(binding)
        return (y[:, 0].transpose(0, 1),)

    run.keep = (x, y)  # type: ignore[attr-defined]  # the binding holds their addresses alone
    return Entry(run, ["y"])


def stepping(cell: Cell[Any], x: Tensor, threads: int) -> Any:
    """Return a function that takes one step, and the state from call to call; it returns y."""
    batch, hidden = len(x), cell.output_size
    bound = session(cell, batch, 1, threads, stateful=True)
    y = torch.zeros(1, 1, batch, hidden)
    parts = _operator(cell)[3]
    states = [{part: torch.zeros(1, batch, hidden) for part in parts} for _ in range(2)]
    bindings = [
        _bind(
            bound,
            {"x": x[None], **{f"{part}0": before[part] for part in parts}},
            {"y": y, **{f"{part}1": after[part] for part in parts}},
        )
        for before, after in (states, states[::-1])
    ]

    def step() -> Tensor:
        bound.run_with_iobinding(bindings[0])
        bindings.reverse()
        return y[0, 0]

    step.keep = (x, y, states)  # type: ignore[attr-defined]  # as above
    return step


SEQUENCE = Peer("ONNX Runtime", sequence, "onnxruntime")
