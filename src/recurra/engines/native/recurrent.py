"""Cells with a matrix between states: a layer's products and time loop, one call each way."""

from functools import partial

import torch
from torch import Tensor

from recurra.engines.fused import Fused, Gradients, Tensors, overwrite
from recurra.engines.loop import LOOP
from recurra.engines.native import recurrent16
from recurra.engines.native.library import FORMATS, at
from recurra.engines.native.memory import fresh
from recurra.engines.native.recurrent16 import Kernel, heads
from recurra.engines.native.rows import Rows

ELMAN_TANH, ELMAN_RELU = Kernel(0, 0, 0), Kernel(1, 0, 0)
GRU, LSTM = Kernel(2, 4, 0), Kernel(3, 4, 1)
SLSTM_SIGMOID, SLSTM_EXP = Kernel(4, 5, 2), Kernel(5, 5, 2)


def _forward(
    kernel: Kernel, rows: Rows, x: Tensor, state: Tensors, weights: Tensors, keep: bool
) -> tuple[Tensor, Tensors, Tensors]:
    if x.dtype == torch.bfloat16:
        return recurrent16.forward(kernel, rows, x, state, weights, keep)
    # `refuse` has just looked at all of these
    from_input, bias, from_state, *state_bias = (weight.contiguous() for weight in weights)
    lines, width = len(x), state[0].shape[1]
    y = fresh(x, lines, width)
    gates = fresh(x, lines, kernel.gates * width) if keep and kernel.gates else None
    memory = fresh(x, lines, kernel.memory * width) if keep and kernel.memory else None
    initial = torch.stack(state)
    last = torch.empty_like(initial)
    if state_bias:
        bias = torch.cat([bias, *state_bias])
    kept = () if gates is None else (gates,) if memory is None else (gates, memory)
    rows.call(
        "recurrent_forward", width, kernel.number, heads(from_state), FORMATS[x.dtype], keep,
        x.shape[1], at(x), at(from_input), at(from_state), at(bias), at(initial),
        None if gates is None else at(gates), None if memory is None else at(memory), at(y),
        at(last),
    )  # fmt: skip  # in recurra.h's order
    return y, last.unbind(), kept


def _backward(
    kernel: Kernel,
    rows: Rows,
    x: Tensor,
    state: Tensors,
    weights: Tensors,
    y: Tensor,
    kept: Tensors,
    grad_y: Tensor,
    grad_last: Tensors,
) -> tuple[Tensor | None, Gradients, Gradients]:
    if x.dtype == torch.bfloat16:
        return recurrent16.backward(kernel, rows, x, state, weights, y, kept, grad_y, grad_last)
    from_input, bias, from_state, *state_bias = weights
    gates, memory, *_ = *kept, None, None
    grads = fresh(y, *y.shape) if gates is None else overwrite(gates)
    initial, last = torch.stack(state), torch.stack(grad_last)
    grad_initial = torch.empty_like(initial)
    grad_x = fresh(x, *x.shape) if x.requires_grad else None
    found: list[Tensor | None] = [None] * 3
    if any(weight.requires_grad for weight in weights):
        biases = len(bias) + sum(map(len, state_bias))
        found = [fresh(x, *from_input.shape), fresh(x, *from_state.shape), x.new_empty(biases)]
    given = [None if array is None else at(array) for array in (grad_x, *found)]
    rows.call(
        "recurrent_backward", y.shape[1], kernel.number, heads(from_state), FORMATS[x.dtype],
        x.shape[1], x, from_input.contiguous(), from_state.contiguous(), at(initial), y, gates,
        memory, grad_y, at(last), at(grads), at(grad_initial), *given,
    )  # fmt: skip  # in recurra.h's order
    of_input, of_state, of_bias = found
    if of_bias is None:
        return grad_x, grad_initial.unbind(), (None,) * len(weights)
    of_bias, *other = of_bias[: len(bias)], of_bias[len(bias) :]
    return grad_x, grad_initial.unbind(), (of_input, of_bias, of_state, *other[: len(state_bias)])


def _fused(kernel: Kernel, names: tuple[str, ...] = ("from_input", "bias", "from_state")) -> Fused:
    return Fused(names, partial(_forward, kernel), partial(_backward, kernel), LOOP)


ELMAN_KERNELS = {"tanh": _fused(ELMAN_TANH), "relu": _fused(ELMAN_RELU)}
GRU_KERNELS = _fused(GRU, ("from_input", "bias", "from_state", "state_bias"))
LSTM_KERNELS = _fused(LSTM)
SLSTM_KERNELS = {"sigmoid": _fused(SLSTM_SIGMOID), "exp": _fused(SLSTM_EXP)}
