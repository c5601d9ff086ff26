"""The recurrent operators of ONNX as an engine: what a runtime has a fused kernel for."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from recurra import tree
from recurra.cells import GRU, LSTM, Cell, Elman
from recurra.cells.lstm import LSTMState
from recurra.engines.base import Engine, Lengths


class Operator(NamedTuple):
    """How ONNX has a cell.

    Args:
        name: of the operator.
        order: its gates, as places among the cell's.
        attributes: what it is told beside sizes.
    """

    name: str
    order: tuple[int, ...]
    attributes: dict[str, Any]


STEP = Operator("step", (0, 1, 3, 2), {})  # of one step: the gates that are sigmoid side by side


def operator(cell: Cell[Any]) -> Operator | None:
    """Return the operator that is exactly this cell, or None.

    ONNX has the gates of an LSTM in the order i, o, f, g; of a GRU z, r, n, with the reset gate
    behind the product; https://onnx.ai/onnx/operators, LSTM, GRU and RNN.
    """
    if type(cell) is LSTM:
        return Operator("LSTM", (0, 3, 1, 2), {})
    if type(cell) is GRU:
        return Operator("GRU", (1, 0, 2), {"linear_before_reset": 1})
    if type(cell) is Elman:
        return Operator("RNN", (0,), {"activations": [cell.nonlinearity.capitalize()]})
    return None


def pack(network: nn.Module) -> None:
    """Give each cell that is an operator its weights as that operator has them."""
    for cell in network.modules():
        if not isinstance(cell, Cell) or (found := operator(cell)) is None:
            continue
        inputs, state, bias = (
            cell.get_parameter(name).detach() for name in ("from_input", "from_state", "bias")
        )
        of_state = torch.zeros_like(bias)
        if isinstance(cell, GRU):  # the bias within the reset gate's product is the state's
            of_state[2 * cell.hidden_size :] = cell.state_bias.detach()
        w, r, *b = (_gates(one, found, cell.hidden_size) for one in (inputs, state, bias, of_state))
        for name, weight in [("w", w), ("r", r), ("b", torch.cat(b))]:
            cell.register_buffer(f"onnx_{name}", weight[None])
        if type(cell) is LSTM:
            both = torch.cat([inputs, state], 1)
            step, own = (_gates(one, STEP, cell.hidden_size) for one in (both, bias))
            cell.register_buffer("onnx_step", step.T.contiguous())
            cell.register_buffer("onnx_bias", own)


def _gates(weight: Tensor, found: Operator, hidden: int) -> Tensor:
    parts = torch.split(weight, hidden)
    return torch.cat([parts[i] for i in found.order])


def run(
    cell: Cell[Any], x: Float[Tensor, "batch time input"], state: Any, lengths: Lengths
) -> tuple[Float[Tensor, "batch time output"], Any]:
    """Write the operator into the graph."""
    found = operator(cell)
    assert found is not None, "the engine has refused it"
    if type(cell) is LSTM and lengths is None and isinstance(x.shape[1], int) and x.shape[1] == 1:
        return _step(cell, x.squeeze(1), *state)
    batch, time, hidden = x.shape[0], x.shape[1], cell.hidden_size
    weights = [cell.get_buffer(f"onnx_{name}") for name in "wrb"]
    ends = None if lengths is None else lengths.to(torch.int32)
    leaves = tree.leaves(state)
    y, *last = torch.onnx.ops.symbolic_multi_out(
        found.name,
        [x.transpose(0, 1), *weights, ends, *(leaf[None] for leaf in leaves)],
        {"hidden_size": hidden, **found.attributes},
        dtypes=[x.dtype] * (1 + len(leaves)),
        shapes=[(time, 1, batch, hidden), *[(1, batch, hidden)] * len(leaves)],
    )
    after = [leaf.squeeze(0) for leaf in last]
    if lengths is not None:  # of a row without steps ONNX Runtime forgets where it began
        pairs = zip(after, leaves, strict=True)
        after = [torch.where((lengths > 0)[:, None], new, old) for new, old in pairs]
    return y.squeeze(1).transpose(0, 1), tree.unflatten(state, after)


def _step(cell: LSTM, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, LSTMState]:
    """Write one step as one product: what the operator does around it costs as much again."""
    hidden = cell.hidden_size
    both = torch.cat([x, h], -1) @ cell.get_buffer("onnx_step") + cell.get_buffer("onnx_bias")
    gates, new = torch.split(both, [3 * hidden, hidden], -1)
    i, f, o = gates.sigmoid().chunk(3, -1)
    c = f * c + i * new.tanh()
    h = o * c.tanh()
    return h.unsqueeze(1), LSTMState(h, c)


def refuse(cell: Cell[Any], _x: Tensor) -> str | None:
    """Refuse a cell that ONNX has no operator for."""
    return f"ONNX has no operator for {type(cell).__name__}" if operator(cell) is None else None


OPERATORS = Engine("onnx", run, refuse)
