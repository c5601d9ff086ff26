"""Launches of the scans: `Affine` and `Rotation` with fields in lines."""

import torch
from torch import Tensor
from triton import cdiv, next_power_of_2

from recurra.engines.transition import Numbers, Scans
from recurra.engines.triton import interpreted, kernels
from recurra.engines.triton.padded import Padded

# steps of a program, and numbers of each step; the interpreter computes each number by itself
CHUNK, LANES = (8, 16) if interpreted() else (32, 32)


def _forward(rows: Padded, initial: Tensor, given: Numbers) -> tuple[Tensor, Tensor]:
    decay, inject = map(in_lines, given)
    h, last = initial.new_empty(len(decay), decay.shape[1]), torch.empty_like(initial)
    grid, words, sizes = plan(rows, decay.shape[1], decay)
    kernels.forward[grid](
        words, rows.lengths, initial, decay, decay.stride(0), inject, inject.stride(0), h, last,
        **sizes,
    )  # fmt: skip  # inputs, outputs, sizes
    return h, last


def _backward(
    rows: Padded,
    initial: Tensor,
    decay: Numbers,
    h: Tensor,
    grad_h: Tensor,
    grad_last: Tensor,
    wanted: tuple[bool, ...],
) -> tuple[Tensor | None, ...]:
    (a,) = map(in_lines, decay)
    grad_initial = torch.empty_like(initial)
    grads = [torch.empty_like(a, memory_format=torch.contiguous_format) for _ in wanted]
    grid, words, sizes = plan(rows, a.shape[1], a)
    kernels.backward[grid](
        words, rows.lengths, initial, a, a.stride(0), h, grad_h, grad_last,
        *grads, grad_initial, **sizes,
    )  # fmt: skip  # inputs, outputs, sizes
    return grad_initial, *grads


def plan(rows: Padded, width: int, like: Tensor) -> tuple[tuple[int], Tensor, dict[str, int]]:
    """Return the grid, the words that chunks hand on, and sizes."""
    columns = rows.batch * width
    lanes = min(LANES, next_power_of_2(columns))
    chunks = cdiv(rows.time, CHUNK)
    words = torch.zeros(1 + chunks * columns, dtype=torch.int64, device=like.device)
    sizes = {
        "time": rows.time, "width": width, "columns": columns,
        "RAGGED": rows.lengths is not None, "CHUNK": CHUNK, "LANES": lanes, "num_warps": 1,
    }  # fmt: skip  # what varies, what is compiled
    return (chunks * cdiv(columns, lanes),), words, sizes


def in_lines(array: Tensor) -> Tensor:
    """Return the same numbers with each line's side by side: itself, where they are so."""
    return array if array.shape[-1] <= 1 or array.stride(-1) == 1 else array.contiguous()


SCANS = Scans(_forward, _backward)
