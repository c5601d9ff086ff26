"""A chunk's numbers [CHUNK, LANES] in memory, a line of each step; a thread has whole columns."""

from typing import no_type_check

import triton
import triton.language as tl


@triton.jit
@no_type_check  # Triton reads the source, which no wrapper may hide
def cut(
    lengths, chunk, column, columns, offset, time, width, RAGGED: tl.constexpr, CHUNK: tl.constexpr
):
    """Return which columns exist, all of them in bounds, their row, unit and length; and of a
    chunk the steps, and which of them are live or exist.
    """
    inside = column < columns
    column = tl.where(inside, column, 0)
    row, unit = column // width, column % width
    length = tl.where(inside, time, 0)
    if RAGGED:
        length = tl.where(inside, tl.load(lengths + row), 0).to(tl.int32)
    step = (chunk * CHUNK).to(tl.int32) + offset
    live, exists = step < length[None, :], (step < time) & inside[None, :]
    return inside, column, row, unit, length, step, live, exists


@triton.jit
@no_type_check  # as above
def read(at, line, offset, live, EVEN: tl.constexpr):
    """Return the numbers, 0 where no step is live; EVEN: all are."""
    at = at[None, :] + offset * line
    numbers = tl.load(at) if EVEN else tl.load(at, mask=live, other=0)
    return numbers.to(tl.float32)


@triton.jit
@no_type_check  # as above
def write(at, line, offset, exists, live, numbers, EVEN: tl.constexpr):
    """Store the numbers, 0 where no step is live."""
    at = at[None, :] + offset * line
    if EVEN:
        tl.store(at, numbers)
    else:
        tl.store(at, tl.where(live, numbers, 0.0), mask=exists)


@triton.jit
@no_type_check  # as above
def line_of(numbers, offset, which):
    """Return one step's numbers [LANES]."""
    return tl.sum(tl.where(offset == which, numbers, 0.0), axis=0)
