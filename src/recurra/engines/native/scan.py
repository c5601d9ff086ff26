"""h ← decay h + inject by the native kernels, real or complex, and its gradient."""

from typing import Any

import torch
from torch import Tensor

from recurra.engines.native.fields import AFFINE, ROTATION, fields, in_lines
from recurra.engines.native.memory import fresh
from recurra.engines.native.rows import Rows
from recurra.engines.transition import Numbers, Scans


def _forward(rows: Rows, initial: Tensor, given: Numbers) -> tuple[Tensor, Tensor]:
    h, last = fresh(initial, len(given[0]), initial.shape[1]), torch.empty_like(initial)
    taken = fields(*((in_lines(array), None) for array in given))
    rows.call("scan_forward", given[0].shape[1], _cell(given), taken, initial, h, last)
    return h, last


def _backward(
    rows: Rows,
    initial: Tensor,
    decay: Numbers,
    h: Tensor,
    grad_h: Tensor,
    grad_last: Tensor,
    wanted: tuple[bool, ...],
) -> tuple[Tensor | None, ...]:
    grad_initial, width = torch.empty_like(initial), decay[0].shape[1]
    grads = [fresh(h, len(h), width) if some else None for some in wanted]
    nothing = [(None, None)] * len(decay)  # inject is of no use here
    rows.call(
        "scan_backward", width, _cell(grads),
        fields(*((in_lines(array), None) for array in decay), *nothing), initial, h,
        grad_h, grad_last, fields(*((grad, None) for grad in grads)), grad_initial,
    )  # fmt: skip  # in recurra.h's order and lines
    return grad_initial, *grads


def _cell(given: Any) -> int:
    return AFFINE if len(given) == 2 else ROTATION


SCANS = Scans(_forward, _backward)
