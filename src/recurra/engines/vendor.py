"""torch.nn's own kernels (oneDNN, cuDNN) for the cells they know, on the cell's own weights."""

import warnings
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from recurra import tree
from recurra.cells.base import Cell
from recurra.cells.elman import Elman
from recurra.cells.gru import GRU
from recurra.cells.lstm import LSTM
from recurra.engines.base import Engine, Lengths, steps_unknown
from recurra.inputs import transformed

SHUT = 1e4  # σ(−1e4) is 0 and σ(1e4) is 1, exactly, in every dtype; float16 ends at 6.5e4

# cuDNN wants all weights in one piece of memory, and makes one at each call: a copy that is small
# beside the sequence. Said once for the process, since `catch_warnings` is not safe in threads.
warnings.filterwarnings("ignore", message="RNN module weights are not part")

Beyond = Bool[Tensor, "batch time"] | None


def run(
    cell: Cell[Any], x: Float[Tensor, "batch time input"], state: Any, lengths: Lengths
) -> tuple[Float[Tensor, "batch time output"], Any]:
    """Unroll by one call of a fused kernel.

    Lengths need no packing (2 to 5 times slower than padding on a CPU): all rows run to the end,
    what lies beyond is cut off, and h is read at each row's last step.
    """
    beyond = None
    if lengths is not None:
        beyond = torch.arange(x.shape[1], device=x.device) >= lengths[:, None]
    y, *after = KERNELS[type(cell)](cell, x, _of_rows(state, x), beyond)
    after = [leaf.to(old.dtype) for leaf, old in zip(after, state, strict=True)]
    y = y.to(state[0].dtype)  # autocast gives both in the lower precision
    if lengths is not None and beyond is not None:
        h = y[torch.arange(len(y), device=y.device), (lengths - 1).clamp(min=0)]
        after[0] = torch.where((lengths > 0)[:, None], h, state[0])
        y = y.masked_fill(beyond[..., None], 0)
    return y, type(state)(*after)


def refuse(cell: Cell[Any], x: Tensor) -> str | None:
    """Refuse all but the very classes that torch.nn has; there, what its kernels lack."""
    kind = type(cell)
    if kind not in KERNELS:
        known = next((known for known in KERNELS if isinstance(cell, known)), None)
        if known is None:
            return f"torch.nn has no kernel for {kind.__name__}"
        return f"{kind.__name__} derives from {known.__name__}, and torch.nn knows that one alone"
    if x.device.type not in ("cpu", "cuda"):
        return f"torch.nn's kernels are used on cpu and cuda; the input is on {x.device.type}"
    if not x.dtype.is_floating_point:
        return f"torch.nn's kernels take floating point; the input is {x.dtype}"
    if reason := steps_unknown(x):  # torch takes its kernels apart, into steps
        return reason
    if transformed():
        return "torch.nn's kernels have no rules for vmap and derivatives of torch.func"
    if kind is LSTM and torch.compiler.is_dynamo_compiling() and torch.is_grad_enabled():
        return "torch.compile cannot take the gradient of torch.nn's LSTM"
    if x.device.type == "cpu" and torch.is_autocast_enabled("cpu"):
        if torch.get_autocast_dtype("cpu") == torch.float16:
            return "oneDNN's kernels have no float16; use autocast to bfloat16"
        if kind is LSTM and x.dtype == torch.float32 and not _has_bfloat16():
            return "this CPU has no bfloat16 for oneDNN's LSTM; leave autocast off"
    return None


def _has_bfloat16() -> bool:
    """Return whether this CPU can run oneDNN's kernels in bfloat16."""
    able: bool = torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return able


def _lstm(cell: Any, x: Tensor, state: Any, beyond: Beyond) -> tuple[Tensor, ...]:
    """Return y, h, c. One more input, 1 beyond a row's length, holds its c by i = 0 and f = 1."""
    from_input = cell.from_input
    if beyond is not None:
        hold = from_input.new_tensor([-SHUT, SHUT, 0, 0]).repeat_interleave(cell.hidden_size)
        from_input = torch.cat([from_input, hold[:, None]], dim=1)
        x = torch.cat([x, beyond[..., None].to(x.dtype)], dim=2)
    weights = [from_input, cell.from_state, cell.bias, torch.zeros_like(cell.bias)]
    return _call(torch.lstm, x, [_first(state.h), _first(state.c)], weights)


def _gru(cell: Any, x: Tensor, state: Any, _beyond: Beyond) -> tuple[Tensor, ...]:
    zeros = cell.bias.new_zeros(2 * cell.hidden_size)
    weights = [cell.from_input, cell.from_state, cell.bias, torch.cat([zeros, cell.state_bias])]
    return _call(torch.gru, x, _first(state.h), weights)


def _elman(cell: Any, x: Tensor, state: Any, _beyond: Beyond) -> tuple[Tensor, ...]:
    kernel = {"tanh": torch.rnn_tanh, "relu": torch.rnn_relu}[cell.nonlinearity]
    weights = [cell.from_input, cell.from_state, cell.bias, torch.zeros_like(cell.bias)]
    return _call(kernel, x, _first(state.h), weights)


def _first(leaf: Tensor) -> Tensor:
    """Return a state as that of the first of one layer."""
    return leaf.contiguous()[None]


def _of_rows(state: Any, x: Tensor) -> Any:
    """Return the state, bound to x's rows in a traced graph: torch would not look."""
    return tree.map(lambda leaf: leaf.expand(x.shape[0], *leaf.shape[1:]), state)


def _call(kernel: Any, x: Tensor, state: Any, weights: list[Tensor]) -> tuple[Tensor, ...]:
    """Return outputs and last states of one layer, in one direction, without dropout."""
    # `train` asks for what a gradient needs; it is not about dropout, so evaluation keeps it
    y, *after = kernel(x, state, weights, True, 1, 0.0, torch.is_grad_enabled(), False, True)
    return y, *(leaf[0] for leaf in after)


KERNELS: dict[type[Cell[Any]], Callable[[Any, Tensor, Any, Beyond], tuple[Tensor, ...]]] = {
    LSTM: _lstm,
    GRU: _gru,
    Elman: _elman,
}

VENDOR = Engine("vendor", run, refuse)
