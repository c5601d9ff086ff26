"""The scan of `real` over complex numbers, whose parts lie side by side in a line of h."""

from typing import no_type_check

import triton
import triton.language as tl

from recurra.engines.triton.chain import place, publish, receive
from recurra.engines.triton.lines import cut, line_of, read, write


@triton.jit
@no_type_check  # Triton reads the source, which no wrapper may hide
def times(a_re, a_im, b_re, b_im):
    """Return the product of two complex numbers."""
    return a_re * b_re - a_im * b_im, a_re * b_im + a_im * b_re


@triton.jit
@no_type_check  # as above
def compose(a_re, a_im, b_re, b_im, later_a_re, later_a_im, later_b_re, later_b_im):
    """Return the one step that does what a step and then a later one do."""
    decay_re, decay_im = times(later_a_re, later_a_im, a_re, a_im)
    inject_re, inject_im = times(later_a_re, later_a_im, b_re, b_im)
    return decay_re, decay_im, inject_re + later_b_re, inject_im + later_b_im


@triton.jit
@no_type_check  # as above
def decays(a_re, a_im, line, unit, a_line, offset, live, FIXED: tl.constexpr, SIZE: tl.constexpr):
    """Return decay of a chunk that begins at a line, 1 where no step is live."""
    if FIXED:
        re = tl.broadcast_to(tl.load(a_re + unit)[None, :], SIZE)
        im = tl.broadcast_to(tl.load(a_im + unit)[None, :], SIZE)
    else:
        re = read(a_re + line * a_line + unit, a_line, offset, live, False)
        im = read(a_im + line * a_line + unit, a_line, offset, live, False)
    return tl.where(live, re, 1.0), tl.where(live, im, 0.0)


@triton.jit(do_not_specialize=["time", "width", "columns", "a_line", "b_line"])  # no new kernel
@no_type_check  # as above
def forward(
    words, lengths, initial, a_re, a_im, a_line, b_re, b_im, b_line, h, last,
    time, width, columns,
    FIXED: tl.constexpr, RAGGED: tl.constexpr, EVEN: tl.constexpr,
    CHUNK: tl.constexpr, LANES: tl.constexpr,
):  # fmt: skip  # inputs, outputs, sizes
    """Write h of a chunk's steps, and of the last chunk the state after it."""
    chunk, column = place(words, columns, LANES)
    offset = tl.arange(0, CHUNK)[:, None]
    inside, column, row, unit, _, _, live, exists = cut(
        lengths, chunk, column, columns, offset, time, width, RAGGED, CHUNK
    )
    line = row * time + chunk * CHUNK
    re, im = decays(a_re, a_im, line, unit, a_line, offset, live, FIXED, live.shape)
    first = line * b_line + unit
    of_re, of_im = (
        read(b_re + first, b_line, offset, live, EVEN),
        read(b_im + first, b_line, offset, live, EVEN),
    )
    re, im, of_re, of_im = tl.associative_scan((re, im, of_re, of_im), 0, compose)
    all_re, all_im = line_of(re, offset, CHUNK - 1), line_of(im, offset, CHUNK - 1)
    end_re, end_im = line_of(of_re, offset, CHUNK - 1), line_of(of_im, offset, CHUNK - 1)
    at = words + 1 + 2 * chunk * columns + column
    state = row * 2 * width + unit
    if chunk == 0:
        before_re = tl.load(initial + state).to(tl.float32)
        before_im = tl.load(initial + state + width).to(tl.float32)
    else:
        before_re = receive(at - 2 * columns, inside)
        before_im = receive(at - columns, inside)
    after_re, after_im = times(all_re, all_im, before_re, before_im)
    after_re, after_im = after_re + end_re, after_im + end_im
    publish(at, inside, after_re)
    publish(at + columns, inside, after_im)
    re, im = times(re, im, before_re[None, :], before_im[None, :])
    at = h + line * 2 * width + unit
    write(at, 2 * width, offset, exists, live, re + of_re, EVEN)
    write(at + width, 2 * width, offset, exists, live, im + of_im, EVEN)
    if (chunk + 1) * CHUNK >= time:
        tl.store(last + state, after_re, mask=inside)
        tl.store(last + state + width, after_im, mask=inside)


@triton.jit(do_not_specialize=["time", "width", "columns", "a_line", "grad_line"])  # as above
@no_type_check  # as above
def backward(
    words, lengths, initial, a_re, a_im, a_line, h, grad_h, grad_last,
    grad_a_re, grad_a_im, grad_b_re, grad_b_im, grad_line, sums, grad_initial,
    time, width, columns,
    FIXED: tl.constexpr, RAGGED: tl.constexpr, EVEN: tl.constexpr,
    CHUNK: tl.constexpr, LANES: tl.constexpr,
):  # fmt: skip  # inputs, outputs, sizes
    """Write the gradients of a chunk's steps, and of the first chunk that of the initial state.

    g_t = ∂h_t + conj(decay_{t+1}) g_{t+1}, as in `real`. The gradient of inject may take the place
    of that of h; of a fixed decay there is one line for each chunk.
    """
    turn, column = place(words, columns, LANES)
    chunk = tl.cdiv(time, CHUNK) - 1 - turn
    offset = CHUNK - 1 - tl.arange(0, CHUNK)[:, None]
    inside, column, row, unit, length, step, live, exists = cut(
        lengths, chunk, column, columns, offset, time, width, RAGGED, CHUNK
    )
    line = row * time + chunk * CHUNK
    goes_on = step + 1 < length[None, :]
    re, im = decays(a_re, a_im, line + 1, unit, a_line, offset, goes_on, FIXED, live.shape)
    first = line * 2 * width + unit
    g_re = read(grad_h + first, 2 * width, offset, live, EVEN)
    g_im = read(grad_h + first + width, 2 * width, offset, live, EVEN)
    re, im, g_re, g_im = tl.associative_scan((re, -im, g_re, g_im), 0, compose)
    all_re, all_im = line_of(re, offset, 0), line_of(im, offset, 0)
    begin_re, begin_im = line_of(g_re, offset, 0), line_of(g_im, offset, 0)
    at = words + 1 + 2 * turn * columns + column
    state = row * 2 * width + unit
    if turn == 0:
        later_re = tl.load(grad_last + state).to(tl.float32)
        later_im = tl.load(grad_last + state + width).to(tl.float32)
    else:
        later_re = receive(at - 2 * columns, inside)
        later_im = receive(at - columns, inside)
    first_re, first_im = times(all_re, all_im, later_re, later_im)
    first_re, first_im = first_re + begin_re, first_im + begin_im
    publish(at, inside, first_re)
    publish(at + columns, inside, first_im)
    re, im = times(re, im, later_re[None, :], later_im[None, :])
    g_re, g_im = g_re + re, g_im + im
    place_of_grads = line * grad_line + unit
    write(grad_b_re + place_of_grads, grad_line, offset, exists, live, g_re, EVEN)
    write(grad_b_im + place_of_grads, grad_line, offset, exists, live, g_im, EVEN)
    earlier = live & (step > 0)
    h_re = read(h + first - 2 * width, 2 * width, offset, earlier, False)
    h_im = read(h + first - width, 2 * width, offset, earlier, False)
    begun_re = tl.load(initial + state).to(tl.float32)
    begun_im = tl.load(initial + state + width).to(tl.float32)
    h_re = tl.where(step == 0, begun_re[None, :], h_re)
    h_im = tl.where(step == 0, begun_im[None, :], h_im)
    of_re, of_im = times(h_re, -h_im, g_re, g_im)
    if FIXED:
        at, part = sums + chunk * columns + column, tl.cdiv(time, CHUNK) * columns
        of_re, of_im = tl.where(live, of_re, 0.0), tl.where(live, of_im, 0.0)
        tl.store(at, tl.sum(of_re, axis=0), mask=inside)
        tl.store(at + part, tl.sum(of_im, axis=0), mask=inside)
    else:
        write(grad_a_re + place_of_grads, grad_line, offset, exists, live, of_re, EVEN)
        write(grad_a_im + place_of_grads, grad_line, offset, exists, live, of_im, EVEN)
    if chunk == 0:
        begun = (length > 0)[None, :]
        no = tl.zeros([1, 1], tl.int32)
        own_re, own_im = decays(a_re, a_im, line, unit, a_line, no, begun, FIXED, begun.shape)
        own_re, own_im = tl.sum(own_re, axis=0), tl.sum(own_im, axis=0)
        begin_re, begin_im = times(own_re, -own_im, first_re, first_im)
        tl.store(grad_initial + state, begin_re, mask=inside)
        tl.store(grad_initial + state + width, begin_im, mask=inside)
