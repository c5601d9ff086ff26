"""h ← decay h + inject over one chunk of time, and the gradient of that."""

from typing import no_type_check

import triton
import triton.language as tl

from recurra.engines.triton.chain import place, publish, receive


@triton.jit
@no_type_check  # Triton reads the source, which no wrapper may hide
def compose(decay, inject, later_decay, later_inject):
    """Return the one step that does what a step and then a later one do."""
    return later_decay * decay, later_decay * inject + later_inject


# numbers of which no kernel is to be compiled anew
@triton.jit(do_not_specialize=["time", "width", "columns", "decay_line", "inject_line"])
@no_type_check  # as above
def forward(
    words, lengths, initial, decay, decay_line, inject, inject_line, h, last,
    time, width, columns, RAGGED: tl.constexpr, CHUNK: tl.constexpr, LANES: tl.constexpr,
):  # fmt: skip  # inputs, outputs, sizes
    """Write h of a chunk's steps, and of the last chunk the state after it."""
    chunk, column = place(words, columns, LANES)
    inside = column < columns
    row, unit = column // width, column % width
    length = tl.where(inside, time, 0).to(tl.int64)
    if RAGGED:
        length = tl.load(lengths + row, mask=inside, other=0)
    offset = tl.arange(0, CHUNK)[:, None]
    step = chunk * CHUNK + offset
    live = step < length[None, :]
    line = row * time + chunk * CHUNK
    a = (decay + line * decay_line + unit)[None, :] + offset * decay_line
    b = (inject + line * inject_line + unit)[None, :] + offset * inject_line
    a = tl.load(a, mask=live, other=1).to(tl.float32)
    b = tl.load(b, mask=live, other=0).to(tl.float32)
    a, b = tl.associative_scan((a, b), 0, compose)
    ends = offset == CHUNK - 1
    all_a = tl.sum(tl.where(ends, a, 0.0), axis=0)
    all_b = tl.sum(tl.where(ends, b, 0.0), axis=0)
    if chunk == 0:
        before = tl.load(initial + column, mask=inside, other=0).to(tl.float32)
    else:
        before = receive(words, chunk, column, columns)
    after = all_b + all_a * before
    publish(words, chunk, column, columns, after)
    y = tl.where(live, b + a * before[None, :], 0.0)
    wanted = (step < time) & inside[None, :]
    tl.store((h + line * width + unit)[None, :] + offset * width, y, mask=wanted)
    if (chunk + 1) * CHUNK >= time:
        tl.store(last + column, after, mask=inside)


@triton.jit(do_not_specialize=["time", "width", "columns", "decay_line"])
@no_type_check  # as above
def backward(
    words, lengths, initial, decay, decay_line, h, grad_h, grad_last,
    grad_decay, grad_inject, grad_initial,
    time, width, columns, RAGGED: tl.constexpr, CHUNK: tl.constexpr, LANES: tl.constexpr,
):  # fmt: skip  # inputs, outputs, sizes
    """Write the gradients of a chunk's steps, and of the first chunk that of the initial state.

    g_t = ∂h_t + decay_{t+1} g_{t+1}, where ∂h_t comes from above; past a row's end decay is 1, so
    that g is there the gradient of the last state.
    """
    place_in_time, column = place(words, columns, LANES)
    chunk = tl.cdiv(time, CHUNK) - 1 - place_in_time
    inside = column < columns
    row, unit = column // width, column % width
    length = tl.where(inside, time, 0).to(tl.int64)
    if RAGGED:
        length = tl.load(lengths + row, mask=inside, other=0)
    offset = tl.arange(0, CHUNK)[:, None]
    step = chunk * CHUNK + offset
    live = step < length[None, :]
    line = row * time + chunk * CHUNK
    own = (line * width + unit)[None, :] + offset * width
    a = (decay + (line + 1) * decay_line + unit)[None, :] + offset * decay_line
    a = tl.load(a, mask=step + 1 < length[None, :], other=1).to(tl.float32)
    g = tl.load(grad_h + own, mask=live, other=0).to(tl.float32)
    a, g = tl.associative_scan((a, g), 0, compose, reverse=True)
    begins = offset == 0
    all_a = tl.sum(tl.where(begins, a, 0.0), axis=0)
    all_g = tl.sum(tl.where(begins, g, 0.0), axis=0)
    if place_in_time == 0:
        later = tl.load(grad_last + column, mask=inside, other=0).to(tl.float32)
    else:
        later = receive(words, place_in_time, column, columns)
    first = all_g + all_a * later
    publish(words, place_in_time, column, columns, first)
    g = tl.where(live, g + a * later[None, :], 0.0)
    before = tl.load(h - width + own, mask=live & (step > 0), other=0).to(tl.float32)
    start = tl.load(initial + column, mask=inside, other=0).to(tl.float32)
    before = tl.where(step == 0, start[None, :], before)
    wanted = (step < time) & inside[None, :]
    tl.store(grad_decay + own, g * before, mask=wanted)
    tl.store(grad_inject + own, g, mask=wanted)
    if chunk == 0:
        of_first = tl.load(decay + line * decay_line + unit, mask=length > 0, other=1)
        tl.store(grad_initial + column, of_first.to(tl.float32) * first, mask=inside)
