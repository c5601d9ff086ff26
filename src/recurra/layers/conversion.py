"""From `torch.nn` recurrent modules to layers and back: weights and states.

`torch.nn` runs time first unless `batch_first`, which changes no value; here batch is always axis
0 and time axis 1, and `lengths` stand where `torch.nn` takes a PackedSequence. Its states are
[depths·directions batch hidden] either way.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.parametrize import type_before_parametrizations

from recurra import inputs, tree
from recurra.cells.elman import Elman
from recurra.cells.gru import GRU
from recurra.cells.lstm import LSTM
from recurra.engines.hooks import renew
from recurra.layers.base import Layer
from recurra.layers.bidirectional import Bidirectional
from recurra.layers.dropout import VariationalDropout
from recurra.layers.recurrent import Recurrent
from recurra.layers.stack import Stack

States = Float[Tensor, "stacked batch hidden"]


def from_torch(module: nn.Module) -> Layer:
    """Return the layer that computes what a `torch.nn` module does, with a copy of its weights.

    One depth is a `Recurrent` or `Bidirectional`, several are a `Stack` with the same dropout.
    A weight that is pruned, normed or parametrized is copied as it is then computed.
    The two biases of `torch.nn` become one, their sum (GRU keeps that of its candidate's state
    apart); its gradient is that of either. Without biases it is zero and does not train.

    Args:
        module: an `nn.RNN`, `nn.LSTM` or `nn.GRU`.
    Raises:
        TypeError: it is another module.
        ValueError: it projects its output (proj_size).
    """
    if not isinstance(module, nn.RNN | nn.LSTM | nn.GRU):
        raise TypeError(f"from_torch takes nn.RNN, nn.LSTM or nn.GRU; got {type(module).__name__}")
    if module.proj_size:
        raise ValueError(
            f"proj_size is {module.proj_size}, and recurra's LSTM has no output projection; "
            "convert a module with proj_size=0"
        )
    renew(module)
    depths: list[Layer] = []
    for depth in range(module.num_layers):
        ahead = Recurrent(cell_of(module, f"_l{depth}"))
        depths.append(
            Bidirectional(ahead, Recurrent(cell_of(module, f"_l{depth}_reverse")))
            if module.bidirectional
            else ahead
        )
    layer = depths[0] if len(depths) == 1 else Stack(*depths, dropout=module.dropout)
    return layer.train(module.training)


def to_torch(layer: Layer) -> nn.Module:
    """Return the `torch.nn` module (batch_first) that computes what a layer does, weights copied.

    The layer is a `Recurrent`, `Bidirectional` or `Stack` of them, over one kind of cell (Elman,
    LSTM or GRU) and one hidden size. The bias goes into `bias_ih`; `bias_hh` is zero, but for the
    candidate of GRU.

    Raises:
        TypeError: a layer or cell is none of these.
        ValueError: `torch.nn` has no module for such a combination; the text says why.
    """
    depths = _depths(layer)
    _check_dropout(layer)
    first = depths[0][0]
    options: dict[str, Any] = {
        "num_layers": len(depths),
        "bidirectional": len(depths[0]) == 2,
        "batch_first": True,
        "device": first.from_input.device,
        "dtype": first.from_input.dtype,
    }
    if isinstance(layer, Stack) and len(depths) > 1:
        options["dropout"] = _rate(layer.between)
    module: nn.RNN | nn.LSTM | nn.GRU
    if isinstance(first, Elman):
        options["nonlinearity"] = first.nonlinearity
        module = nn.RNN(first.input_size, first.hidden_size, **options)
    else:
        kind = nn.LSTM if isinstance(first, LSTM) else nn.GRU
        module = kind(first.input_size, first.hidden_size, **options)
    for depth, directions in enumerate(depths):
        for cell, suffix in zip(directions, ["", "_reverse"], strict=False):
            fill(module, f"_l{depth}{suffix}", cell)
    return module.train(layer.training)


def state_from_torch(layer: Layer, hx: States | tuple[States, States]) -> Any:
    """Return the layer's state for the `hx` (or `h_n`) of the `torch.nn` module it converts to.

    Raises:
        TypeError, ValueError: no `torch.nn` module is like the layer, or hx does not fit it.
    """
    cells = [cell for directions in _depths(layer) for cell in directions]
    parts = hx if isinstance(hx, tuple) else (hx,)
    fields = tree.names(cells[0].initial_state(1))
    if len(parts) != len(fields):
        raise ValueError(
            f"the state of {type(cells[0]).__name__} is {', '.join(fields)}; "
            f"hx has {len(parts)} tensors"
        )
    batch: int | str = "batch"
    for part in parts:
        sizes = len(cells), batch, cells[0].hidden_size
        inputs.numbers("state_from_torch", "hx", part, sizes, inputs.weight(cells[0]))
        batch = part.shape[1]
    flat = [part[i] for i in range(len(cells)) for part in parts]
    return tree.unflatten(layer.initial_state(1), flat)


def state_to_torch(layer: Layer, state: Any) -> States | tuple[States, ...]:
    """Return the layer's state as `torch.nn` has it: one tensor, or (h, c) for LSTM.

    Raises:
        TypeError, ValueError: no `torch.nn` module is like the layer.
    """
    rows = next((len(leaf) for leaf in tree.leaves(state) if isinstance(leaf, Tensor)), 0)
    inputs.state(layer, state, rows, inputs.weight(layer))
    flat = tree.leaves(state)
    each = len(flat) // sum(map(len, _depths(layer)))
    parts = tuple(torch.stack(flat[i::each]) for i in range(each))
    return parts if each > 1 else parts[0]


def _depths(layer: Layer) -> list[list[Elman | LSTM | GRU]]:
    """Return the cells, by depth and direction, if `torch.nn` could hold them in one module."""
    parts = list(layer.layers) if isinstance(layer, Stack) else [layer]
    depths = [
        [_known(half) for half in (part.forward_layer, part.backward_layer)]
        if isinstance(part, Bidirectional)
        else [_known(part)]
        for part in parts
    ]
    uniform: dict[str, set[Any]] = {
        "one number of directions": {len(directions) for directions in depths},
        "one kind of cell": {
            type_before_parametrizations(cell).__name__ for cells in depths for cell in cells
        },
        "one hidden size": {cell.hidden_size for cells in depths for cell in cells},
        "one nonlinearity": {
            getattr(cell, "nonlinearity", "") for cells in depths for cell in cells
        },
    }
    for what, kinds in uniform.items():
        if len(kinds) > 1:
            found = " and ".join(sorted(map(str, kinds)))
            raise ValueError(f"a torch.nn module has {what} throughout; this layer has {found}")
    return depths


def _known(part: nn.Module) -> Elman | LSTM | GRU:
    if not isinstance(part, Recurrent):
        raise TypeError(
            f"torch.nn has no {type(part).__name__}; "
            "it has Recurrent, Bidirectional of two Recurrent, and one Stack of those"
        )
    # a class derived from one of these is another cell, unless torch derived it to parametrize
    kind = type_before_parametrizations(part.cell)
    if not isinstance(part.cell, Elman | LSTM | GRU) or kind not in (Elman, LSTM, GRU):
        raise TypeError(
            f"torch.nn has no {type(part.cell).__name__}; it has Elman (as RNN), LSTM and GRU"
        )
    renew(part.cell)
    return part.cell


def _check_dropout(layer: Layer) -> None:
    for part in layer.modules():
        if isinstance(part, Recurrent) and part.weight_drop:
            raise ValueError(
                f"torch.nn has no weight drop; set weight_drop={part.weight_drop} to 0"
            )
        if isinstance(part, VariationalDropout) and part.rate:
            raise ValueError("torch.nn has no variational dropout; build the Stack without")


def _rate(between: nn.Module) -> float:
    return between.p if isinstance(between, nn.Dropout) else 0.0


def cell_of(module: Any, suffix: str) -> Elman | LSTM | GRU:
    """Return one depth and direction of a `torch.nn` module, or a `…Cell` (""), as a cell."""
    weight: Tensor = getattr(module, f"weight_ih{suffix}")  # a hook may make it no parameter
    sizes = weight.shape[1], module.hidden_size
    cell: Elman | LSTM | GRU
    if isinstance(module, nn.RNN | nn.RNNCell):
        cell = Elman(*sizes, nonlinearity="relu" if module.nonlinearity == "relu" else "tanh")
    else:
        cell = LSTM(*sizes) if isinstance(module, nn.LSTM | nn.LSTMCell) else GRU(*sizes)
    cell.to(weight)
    with torch.no_grad():
        cell.from_input.copy_(weight)
        cell.from_state.copy_(getattr(module, f"weight_hh{suffix}"))
        if module.bias:
            _merge(cell, *(getattr(module, f"bias_{part}{suffix}") for part in ("ih", "hh")))
        else:
            cell.bias.zero_().requires_grad_(False)
            if isinstance(cell, GRU):
                cell.state_bias.zero_().requires_grad_(False)
    return cell


def _merge(cell: Elman | LSTM | GRU, of_input: Tensor, of_state: Tensor) -> None:
    cell.bias.copy_(of_input + of_state)
    if isinstance(cell, GRU):
        kept = 2 * cell.hidden_size
        cell.bias[kept:] = of_input[kept:]
        cell.state_bias.copy_(of_state[kept:])


def fill(module: nn.Module, suffix: str, cell: Elman | LSTM | GRU) -> None:
    """Copy a cell's weights to one depth and direction of a `torch.nn` module, or to a `…Cell`."""
    with torch.no_grad():
        module.get_parameter(f"weight_ih{suffix}").copy_(cell.from_input)
        module.get_parameter(f"weight_hh{suffix}").copy_(cell.from_state)
        if not module.bias:
            return
        module.get_parameter(f"bias_ih{suffix}").copy_(cell.bias)
        of_state = module.get_parameter(f"bias_hh{suffix}").zero_()
        if isinstance(cell, GRU):
            of_state[-cell.hidden_size :] = cell.state_bias
