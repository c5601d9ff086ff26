"""Launches of the scans, and `Affine` and `Rotation` as they are."""

from typing import Any

import torch
from torch import Tensor
from triton import cdiv, next_power_of_2

from recurra.engines.transition import Numbers, Scans
from recurra.engines.triton import complex, interpreted, real
from recurra.engines.triton.padded import Padded

# A program has a chunk of time of so many columns; each thread, with a whole column, ROWS of its
# steps in registers. The interpreter computes each number by itself.
WARPS, LANES = (1, 16) if interpreted() else (4, 32)
ROWS = 16 if interpreted() else 32


def launch(
    kernel: Any, rows: Padded, initial: Tensor, width: int, *arguments: Any, few: bool = False,
    **sizes: Any,
) -> None:  # fmt: skip  # what is the kernel's, what is compiled
    """Run a kernel of `real` or `complex` on all chunks of all columns.

    Args:
        kernel: the kernel.
        rows: the rows.
        initial: the initial state [batch, parts · width].
        width: numbers of a step, each of one part, or of two where they are complex.
        arguments: what the kernel takes after the initial state.
        few: whether a thread has half as many steps, as backward and of complex numbers.
        sizes: what the kernel is compiled for.
    """
    columns, parts = rows.batch * width, initial.shape[1] // width
    lanes, chunk = min(LANES, next_power_of_2(columns)), steps(few)
    chunks = cdiv(rows.time, chunk)
    words = initial.new_zeros(1 + chunks * columns * parts, dtype=torch.int64)
    ragged = rows.lengths is not None
    even = not ragged and rows.time % chunk == 0 and columns % lanes == 0
    kernel[chunks * cdiv(columns, lanes),](
        words, rows.lengths, initial, *arguments, rows.time, width, columns, **sizes,
        RAGGED=ragged, EVEN=even, CHUNK=chunk, LANES=lanes, num_warps=WARPS,
    )  # fmt: skip  # what is read and written, sizes, what is compiled


def steps(few: bool) -> int:
    """Return the steps of a chunk."""
    return WARPS * ROWS // (2 if few else 1)


def sums(rows: Padded, like: Tensor, width: int, fields: int) -> Tensor:
    """Return memory for each chunk's and row's share of so many sums over all lines."""
    shares = cdiv(rows.time, steps(few=True)) * rows.batch
    return like.new_empty(fields, shares, width, dtype=torch.float32)


def in_lines(array: Tensor) -> Tensor:
    """Return the same numbers with each line's side by side: itself, where they are so."""
    return array if array.shape[-1] <= 1 or array.stride(-1) == 1 else array.contiguous()


def _forward(rows: Padded, initial: Tensor, given: Numbers) -> tuple[Tensor, Tensor]:
    given = tuple(map(in_lines, given))
    h, last = initial.new_empty(len(given[0]), initial.shape[1]), torch.empty_like(initial)
    width = given[0].shape[1]
    if len(given) == 2:
        decay, inject = given
        launch(
            real.forward, rows, initial, width, decay, decay.stride(0), inject, inject.stride(0),
            inject, inject, h, last, CELL="affine",
        )  # fmt: skip  # in the kernel's order and lines
    else:
        a_re, a_im, b_re, b_im = _alike(given)
        launch(
            complex.forward, rows, initial, width, a_re, a_im, a_re.stride(0),
            b_re, b_im, b_re.stride(0), h, last, few=True, FIXED=False,
        )  # fmt: skip  # as above
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
    decay = tuple(map(in_lines, decay))
    grad_initial, width = torch.empty_like(initial), decay[0].shape[1]
    grads = [decay[0].new_empty(len(h), width) for _ in wanted]
    if len(decay) == 1:
        (a,) = decay
        launch(
            real.backward, rows, initial, width, a, a.stride(0), a, a.stride(0), a, a,
            h, grad_h, grad_last, *grads, grads[1], width, grads[0], grad_initial,
            few=True, CELL="affine",
        )  # fmt: skip  # as above
    else:
        a_re, a_im = _alike(decay)
        launch(
            complex.backward, rows, initial, width, a_re, a_im, a_re.stride(0), h, grad_h,
            grad_last, *grads, width, grads[0], grad_initial, few=True, FIXED=False,
        )  # fmt: skip  # as above
    return grad_initial, *grads


def _alike(parts: Numbers) -> Numbers:
    """Return real and imaginary parts of numbers with one stride for both."""
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return tuple(
        part if re.stride() == im.stride() else part.contiguous()
        for re, im in pairs
        for part in (re, im)
    )


SCANS = Scans(_forward, _backward)
