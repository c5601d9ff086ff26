"""MLSTM's gates: the sums of their logarithms within a chunk, and their gradients.

Within a chunk that begins at exponent m_0, with l_r = log f_r and b_t the sum of l_r to r = t,

    N_t = max(m_0, i⁺_s - b_s for s ≤ t),    m_t = b_t + N_t,

a step s weighs e^(i_s - b_s - N_t) at step t, and the state at the chunk's start e^(m_0 - N_t).
Sums are of 64 bits: after gates that were shut for long, differences of 32 would be coarse.
"""

from typing import no_type_check

import triton
import triton.language as tl

NOTHING = tl.constexpr(-3e38)  # logarithm of no weight; float32 holds it


@triton.jit
@no_type_check  # Triton reads the source, which no wrapper may hide
def steps_of(lengths, row, time, RAGGED: tl.constexpr):
    """Return how many steps a row has."""
    steps = time
    if RAGGED:
        steps = tl.load(lengths + row).to(tl.int32)
    return steps


@triton.jit
@no_type_check  # as above
def log_sigmoid(x):
    """Return log σ(x), to the last digit of float32 where it is almost 0 too."""
    x = x.to(tl.float64)
    e = tl.exp(-tl.abs(x))
    rest = tl.where(e < 1e-6, e - 0.5 * e * e, tl.log(1.0 + e))
    return tl.minimum(x, 0.0) - rest


@triton.jit
@no_type_check  # as above
def larger(one, other):
    """Return the larger of two numbers."""
    return tl.maximum(one, other)


@triton.jit(do_not_specialize=["time", "chunks"])
@no_type_check  # as above
def sum_gates(
    u, lengths, decays, peaks, added, time, chunks,
    WIDTH: tl.constexpr, HEADS: tl.constexpr, RAGGED: tl.constexpr, CHUNK: tl.constexpr,
):  # fmt: skip  # inputs, outputs, sizes
    """Write b, the largest i⁺ - b so far, and i - b, of one chunk of one head."""
    own, chunk = tl.program_id(0) // chunks, tl.program_id(0) % chunks
    row, head = own // HEADS, own % HEADS
    step = chunk * CHUNK + tl.arange(0, CHUNK)
    live = step < steps_of(lengths, row, time, RAGGED)
    gates = u + (row.to(tl.int64) * time + step) * (4 * WIDTH + 2 * HEADS) + 4 * WIDTH + head
    i = tl.load(gates, mask=live, other=0).to(tl.float64)
    f = tl.load(gates + HEADS, mask=live, other=0)
    b = tl.cumsum(tl.where(live, log_sigmoid(f), 0.0), axis=0)
    peak = tl.where(live, tl.maximum(i, 0.0) - b, NOTHING)
    at = own.to(tl.int64) * chunks * CHUNK + step
    tl.store(decays + at, b)
    tl.store(peaks + at, tl.associative_scan(peak, 0, larger))
    tl.store(added + at, tl.where(live, i - b, NOTHING))


@triton.jit
@no_type_check  # as above
def join(carried, rest, later_carried, later_rest):
    """Return a later step of the gradient's way, which is before this one in time, after it."""
    return carried * later_carried, later_carried * rest + later_rest


@triton.jit
@no_type_check  # as above
def read_gates(
    gates, decays, peaks, exponents, through_state, through_keys, through_m, step, live,
    LINE: tl.constexpr, HEADS: tl.constexpr, CHUNK: tl.constexpr,
):  # fmt: skip  # inputs, places, sizes
    """Return, of steps: i, f, the share of m that is carried on, and three gradients.

    Those are of the logarithm of what is carried on, of i as a weight, and what reaches m here.
    """
    i = tl.load(gates + step.to(tl.int64) * LINE, mask=live, other=0).to(tl.float32)
    f = tl.load(gates + step.to(tl.int64) * LINE + HEADS, mask=live, other=0).to(tl.float32)
    start = tl.load(exponents + step // CHUNK, mask=live, other=0)
    inner = live & (step % CHUNK > 0)
    before = tl.maximum(start, tl.load(peaks + step - 1, mask=inner, other=NOTHING))
    before += tl.load(decays + step - 1, mask=inner, other=0)
    # as the definition compares them, in 32 bits
    moved = log_sigmoid(f).to(tl.float32) + before.to(tl.float32)
    peak = tl.maximum(i, 0.0)
    carried = tl.where(moved > peak, 1.0, tl.where(moved == peak, 0.5, 0.0))
    state = tl.load(through_state + step, mask=live, other=0)
    keys = tl.load(through_keys + step, mask=live, other=0)
    m = tl.load(through_m + step, mask=live, other=0) - keys
    return i, f, tl.where(live, carried, 1.0), state, keys, m


@triton.jit(do_not_specialize=["time", "chunks"])
@no_type_check  # as above
def gate_gradients(
    u, lengths, decays, peaks, exponents, through_state, through_keys, through_m, grad_m_last,
    grad_u, grad_m_initial, time, chunks,
    WIDTH: tl.constexpr, HEADS: tl.constexpr, RAGGED: tl.constexpr, CHUNK: tl.constexpr,
    SPAN: tl.constexpr,
):  # fmt: skip  # inputs, outputs, sizes
    """Write the gradients of i, f and the initial m of one head, from its last step to its first.

    The gradient of m, all else carried on by e^(l + m), is that of what is carried on where a
    peak replaces m, and else goes on; what reaches i⁺ is what m loses there.
    """
    own = tl.program_id(0)
    row, head = own // HEADS, own % HEADS
    length = steps_of(lengths, row, time, RAGGED)
    LINE: tl.constexpr = 4 * WIDTH + 2 * HEADS
    first = row.to(tl.int64) * time * LINE + 4 * WIDTH + head
    padded = own.to(tl.int64) * chunks * CHUNK
    decays += padded
    peaks += padded
    through_state += padded
    through_keys += padded
    through_m += padded
    exponents += own.to(tl.int64) * (chunks + 1)
    offset = tl.arange(0, SPAN)
    after = tl.load(grad_m_last + own).to(tl.float32)
    spans = tl.cdiv(time, SPAN)
    for number in range(spans):
        step = (spans - 1 - number) * SPAN + offset
        _, _, carried, state, _, m = read_gates(
            u + first, decays, peaks, exponents, through_state, through_keys, through_m,
            step + 1, step + 1 < length, LINE, HEADS, CHUNK,
        )  # fmt: skip  # as above
        rest = carried * m + (1.0 - carried) * state
        carried, rest = tl.associative_scan((carried, rest), 0, join, reverse=True)
        later = carried * after + rest  # the gradient of m after each step
        after = tl.sum(tl.where(offset == 0, later, 0.0), axis=0)
        i, f, carried, state, keys, m = read_gates(
            u + first, decays, peaks, exponents, through_state, through_keys, through_m,
            step, step < length, LINE, HEADS, CHUNK,
        )  # fmt: skip  # as above
        later += m
        of_i = keys + tl.where(i > 0, (1.0 - carried) * (later - state), 0.0)
        now = carried * later + (1.0 - carried) * state
        of_f = now / (1.0 + tl.exp(f))
        live = step < length
        to = grad_u + first + step.to(tl.int64) * LINE
        tl.store(to, tl.where(live, of_i, 0.0), mask=step < time)
        tl.store(to + HEADS, tl.where(live, of_f, 0.0), mask=step < time)
        begin = tl.sum(tl.where(offset == 0, now, 0.0), axis=0)
        if number == spans - 1:
            tl.store(grad_m_initial + own, begin)
