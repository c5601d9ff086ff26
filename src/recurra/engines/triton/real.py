"""h ← decay h + inject over a chunk of time, and the gradient of that; fields as in `formulas`."""

from typing import no_type_check

import triton
import triton.language as tl

from recurra.engines.triton.chain import place, publish, receive
from recurra.engines.triton.formulas import decay_of, gradients, inject_of
from recurra.engines.triton.lines import cut, line_of, read, write


@triton.jit
@no_type_check  # Triton reads the source, which no wrapper may hide
def compose(decay, inject, later_decay, later_inject):
    """Return the one step that does what a step and then a later one do."""
    return later_decay * decay, later_decay * inject + later_inject


@triton.jit
@no_type_check  # as above
def fields(p0, s0, p1, s1, p2, constants, line, unit, width, offset, live, EVEN, CELL):
    """Return the fields of a chunk that begins at a line."""
    f0 = read(p0 + line * s0 + unit, s0, offset, live, EVEN)
    f1 = read(p1 + line * s1 + unit, s1, offset, live, EVEN)
    f2, f3 = f1, f1
    if CELL == "minlstm" or CELL == "rglru":
        f2 = read(p2 + line * s1 + unit, s1, offset, live, EVEN)
    if CELL == "rglru":
        f1 += tl.load(constants + unit)[None, :]
        f2 += tl.load(constants + width + unit)[None, :]
        f3 = tl.load(constants + 2 * width + unit)[None, :]
    return f0, f1, f2, f3


@triton.jit
@no_type_check  # as above
def decays(p0, s0, p1, s1, constants, line, unit, width, offset, live, EVEN, CELL):
    """Return decay of a chunk that begins at a line."""
    f0 = constants
    f1, f3 = f0, f0
    if CELL != "rglru":
        f0 = read(p0 + line * s0 + unit, s0, offset, live, EVEN)
    if CELL == "minlstm" or CELL == "rglru":
        f1 = read(p1 + line * s1 + unit, s1, offset, live, EVEN)
    if CELL == "rglru":
        f1 += tl.load(constants + unit)[None, :]
        f3 = tl.load(constants + 2 * width + unit)[None, :]
    return decay_of(f0, f1, f3, CELL)


@triton.jit(do_not_specialize=["time", "width", "columns", "s0", "s1"])  # T, sizes: no new kernel
@no_type_check  # as above
def forward(
    words, lengths, initial, p0, s0, p1, s1, p2, constants, h, last,
    time, width, columns,
    CELL: tl.constexpr, RAGGED: tl.constexpr, EVEN: tl.constexpr,
    CHUNK: tl.constexpr, LANES: tl.constexpr,
):  # fmt: skip  # inputs, outputs, sizes
    """Write h of a chunk's steps, and of the last chunk the state after it."""
    chunk, column = place(words, columns, LANES)
    offset = tl.arange(0, CHUNK)[:, None]
    inside, column, row, unit, _, _, live, exists = cut(
        lengths, chunk, column, columns, offset, time, width, RAGGED, CHUNK
    )
    line = row * time + chunk * CHUNK
    f0, f1, f2, f3 = fields(
        p0, s0, p1, s1, p2, constants, line, unit, width, offset, live, EVEN, CELL
    )
    decay, inject = decay_of(f0, f1, f3, CELL), inject_of(f0, f1, f2, f3, CELL)
    if not EVEN:
        decay, inject = tl.where(live, decay, 1.0), tl.where(live, inject, 0.0)
    decay, inject = tl.associative_scan((decay, inject), 0, compose)
    all_decay = line_of(decay, offset, CHUNK - 1)
    all_inject = line_of(inject, offset, CHUNK - 1)
    at = words + 1 + chunk * columns + column
    if chunk == 0:
        before = tl.load(initial + column).to(tl.float32)
    else:
        before = receive(at - columns, inside)
    after = all_inject + all_decay * before
    publish(at, inside, after)
    at = h + line * width + unit
    write(at, width, offset, exists, live, inject + decay * before[None, :], EVEN)
    if (chunk + 1) * CHUNK >= time:
        tl.store(last + column, after, mask=inside)


# as above
@triton.jit(do_not_specialize=["time", "width", "columns", "s0", "s1", "grad_line"])
@no_type_check  # as above
def backward(
    words, lengths, initial, p0, s0, p1, s1, p2, constants, h, grad_h, grad_last,
    g0, g1, g2, grad_line, sums, grad_initial,
    time, width, columns,
    CELL: tl.constexpr, RAGGED: tl.constexpr, EVEN: tl.constexpr,
    CHUNK: tl.constexpr, LANES: tl.constexpr,
):  # fmt: skip  # inputs, outputs, sizes
    """Write the gradients of a chunk's steps, and of the first chunk that of the initial state.

    g_t = ∂h_t + decay_{t+1} g_{t+1}, where ∂h_t comes from above; past a row's end decay is 1, so
    that g is there the gradient of the last state. A chunk's later steps lie first.
    """
    turn, column = place(words, columns, LANES)
    chunk = tl.cdiv(time, CHUNK) - 1 - turn
    offset = CHUNK - 1 - tl.arange(0, CHUNK)[:, None]
    inside, column, row, unit, length, step, live, exists = cut(
        lengths, chunk, column, columns, offset, time, width, RAGGED, CHUNK
    )
    goes_on = step + 1 < length[None, :]
    line = row * time + chunk * CHUNK
    decay = decays(p0, s0, p1, s1, constants, line + 1, unit, width, offset, goes_on, False, CELL)
    decay = tl.where(goes_on, decay, 1.0)
    g = read(grad_h + line * width + unit, width, offset, live, EVEN)
    decay, g = tl.associative_scan((decay, g), 0, compose)
    all_decay, all_g = line_of(decay, offset, 0), line_of(g, offset, 0)
    at = words + 1 + turn * columns + column
    if turn == 0:
        later = tl.load(grad_last + column).to(tl.float32)
    else:
        later = receive(at - columns, inside)
    first = all_g + all_decay * later
    publish(at, inside, first)
    g += decay * later[None, :]
    before = read(h + (line - 1) * width + unit, width, offset, live & (step > 0), False)
    before = tl.where(step == 0, tl.load(initial + column).to(tl.float32)[None, :], before)
    f0, f1, f2, f3 = fields(
        p0, s0, p1, s1, p2, constants, line, unit, width, offset, live, EVEN, CELL
    )
    d0, d1, d2, d3 = gradients(f0, f1, f2, f3, g, before, CELL)
    place_of_grads = line * grad_line + unit
    write(g0 + place_of_grads, grad_line, offset, exists, live, d0, EVEN)
    write(g1 + place_of_grads, grad_line, offset, exists, live, d1, EVEN)
    if CELL == "minlstm" or CELL == "rglru":
        write(g2 + place_of_grads, grad_line, offset, exists, live, d2, EVEN)
    if CELL != "affine":  # sums over the chunk, of biases and constants
        at, part = sums + chunk * columns + column, tl.cdiv(time, CHUNK) * columns
        if not EVEN:
            d0, d1 = tl.where(live, d0, 0.0), tl.where(live, d1, 0.0)
            d2, d3 = tl.where(live, d2, 0.0), tl.where(live, d3, 0.0)
        if CELL == "rglru":
            d0, d1, d2 = d1, d2, d3
        tl.store(at, tl.sum(d0, axis=0), mask=inside)
        tl.store(at + part, tl.sum(d1, axis=0), mask=inside)
        if CELL != "mingru":
            tl.store(at + 2 * part, tl.sum(d2, axis=0), mask=inside)
    if chunk == 0:
        begun = (length > 0)[None, :]
        of_first = decays(
            p0, s0, p1, s1, constants, line, unit, width, tl.zeros([1, 1], tl.int32), begun, False,
            CELL,
        )  # fmt: skip  # as above
        of_first = tl.sum(tl.where(begun, of_first, 1.0), axis=0)
        tl.store(grad_initial + column, of_first * first, mask=inside)
