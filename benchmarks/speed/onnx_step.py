"""A cell's single step as an ONNX graph, run by ONNX Runtime with everything bound beforehand."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from recurra import GRU, LSTM, Cell, Elman

# our gates, in the order of ONNX's operator
GATES = {LSTM: ("LSTM", [0, 3, 1, 2]), GRU: ("GRU", [1, 0, 2]), Elman: ("RNN", [0])}


def graph(cell: Cell[Any], rows: int) -> bytes:
    """Return a model x, h, c → y (the new h), y_c with one operator in it."""
    from onnx import TensorProto, helper, numpy_helper

    operator, order = GATES[type(cell)]
    width = cell.hidden_size

    def part(weight: Tensor) -> np.ndarray:
        blocks = weight.detach().view(len(order), width, -1)[order]
        return blocks.flatten(0, 1).numpy()

    within = torch.zeros(len(order) * width)
    if isinstance(cell, GRU):
        within[2 * width :] = cell.state_bias.detach()
    bias = torch.cat([torch.from_numpy(part(cell.bias)).flatten(), within])
    constants = [
        numpy_helper.from_array(part(cell.from_input)[None], "W"),
        numpy_helper.from_array(part(cell.from_state)[None], "R"),
        numpy_helper.from_array(bias[None].numpy(), "B"),
    ]
    states = ["h", "c"] if operator == "LSTM" else ["h"]
    options = {"linear_before_reset": 1} if operator == "GRU" else {}
    node = helper.make_node(
        operator,
        ["x", "W", "R", "B", "", *states],
        ["", *(f"y_{name}" for name in states)],
        hidden_size=width,
        **options,
    )

    def value(name: str, size: int) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, rows, size])

    model = helper.make_model(
        helper.make_graph(
            [node],
            "step",
            [value("x", cell.input_size), *(value(name, width) for name in states)],
            [value(f"y_{name}", width) for name in states],
            constants,
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=9,
    )
    return model.SerializeToString()


def bound_step(cell: Cell[Any], x: Tensor, threads: int) -> Callable[[], Any]:
    """Return a step on x whose outputs are the states of the next: two bindings in turn."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = ort.InferenceSession(graph(cell, len(x)), options, providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_inputs()][1:]
    shape = (1, len(x), cell.hidden_size)
    states = [{name: np.zeros(shape, np.float32) for name in names} for _ in range(2)]
    frame = ort.OrtValue.ortvalue_from_numpy(x[None].numpy())
    values = [
        {name: ort.OrtValue.ortvalue_from_numpy(array) for name, array in state.items()}
        for state in states
    ]
    bindings = []
    for now, after in ((0, 1), (1, 0)):
        binding = session.io_binding()
        binding.bind_ortvalue_input("x", frame)
        for name in names:
            binding.bind_ortvalue_input(name, values[now][name])
            binding.bind_ortvalue_output(f"y_{name}", values[after][name])
        bindings.append(binding)
    turn = 0

    def step() -> Any:
        nonlocal turn
        session.run_with_iobinding(bindings[turn])
        turn = 1 - turn
        return values[turn]["h"]

    return step
