"""MLSTM within chunks, all of them at once: attention with decaying weights, and its gradient."""

from typing import no_type_check

import triton
import triton.language as tl

from recurra.engines.triton.mlstm_gates import steps_of
from recurra.engines.triton.mlstm_states import lines, multiply, turned

LEAST = tl.constexpr(1e-6)  # as FLOOR in the cell


@triton.jit
@no_type_check  # Triton reads the source, which no wrapper may hide
def weights_of(peaks, added, m, s, CHUNK: tl.constexpr):
    """Return the weight of each step at each later one, [at of], and of the chunk's first state.

    The difference of two numbers of 64 bits is made in two parts of 32.
    """
    top = tl.maximum(m, tl.load(peaks + s))
    step = tl.load(added + s)
    carried = tl.exp((m - top).to(tl.float32))
    high, step_high = top.to(tl.float32), step.to(tl.float32)
    low = (top - high.to(tl.float64)).to(tl.float32)
    step_low = (step - step_high.to(tl.float64)).to(tl.float32)
    past = s[:, None] >= s[None, :]
    exponent = (step_high[None, :] - high[:, None]) + (step_low[None, :] - low[:, None])
    return tl.where(past, tl.exp(exponent), 0.0), past, carried, top


@triton.jit
@no_type_check  # as above
def floor_of(decays, top, s):
    """Return the least denominator of each step, e^-m, and whether it is its own."""
    floor = tl.exp(-(tl.load(decays + s) + top).to(tl.float32))
    return tl.maximum(floor, LEAST), floor > LEAST


@triton.jit(do_not_specialize=["time", "chunks"])
@no_type_check  # as above
def attend(
    u, lengths, decays, peaks, added, states, vectors, exponents, y, reads, time, chunks,
    WIDTH: tl.constexpr, HEADS: tl.constexpr, SIZE: tl.constexpr, FACTOR: tl.constexpr,
    RAGGED: tl.constexpr, CHUNK: tl.constexpr, BLOCK: tl.constexpr,
    SHORT: tl.constexpr, OPERAND: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip  # inputs, outputs, sizes
    """Write the outputs of one chunk of one head, and nᵀ q of each step."""
    own, chunk = tl.program_id(0) // chunks, tl.program_id(0) % chunks
    row, head = own // HEADS, own % HEADS
    start, s, column = chunk * CHUNK, tl.arange(0, CHUNK), tl.arange(0, BLOCK)
    length = steps_of(lengths, row, time, RAGGED)
    LINE: tl.constexpr = 4 * WIDTH + 2 * HEADS
    wide = own.to(tl.int64)
    line = wide // HEADS * time + start
    y += line * WIDTH + head * SIZE
    there = start + s < time
    if start >= length:
        for at in range(0, SIZE, BLOCK):
            wanted = there[:, None] & (at + column < SIZE)[None, :]
            zeros = tl.zeros([CHUNK, BLOCK], y.dtype.element_ty)
            tl.store(y + s[:, None] * WIDTH + (at + column)[None, :], zeros, mask=wanted)
        return
    live = start + s < length
    u += line * LINE + head * SIZE
    gates = (wide * chunks + chunk) * CHUNK
    kept = wide * (chunks + 1) + chunk
    m = tl.load(exponents + kept)
    p = tl.zeros([CHUNK, CHUNK], tl.float32)
    read = tl.zeros([CHUNK], tl.float32)
    for at in range(0, SIZE, BLOCK):
        key = at + column
        q = lines(u, s, key, live, LINE, SIZE)
        k = turned(u + WIDTH, s, key, live, LINE, SIZE)
        n = tl.load(vectors + kept * SIZE + key, mask=key < SIZE, other=0)
        p = multiply(q, k, p, SHORT, OPERAND, PRECISION)
        read += tl.sum(q.to(tl.float32) * n[None, :], axis=1)
    weights, past, carried, top = weights_of(peaks + gates, added + gates, m, s, CHUNK)
    p = tl.where(past, p * FACTOR * weights, 0.0)
    read = read * carried + tl.sum(p, axis=1)
    floor, _ = floor_of(decays + gates, top, s)
    size = tl.abs(read)
    divisor = tl.where(size <= floor, floor, size)
    tl.store(reads + gates + s, read)
    p = p / divisor[:, None]
    carried = carried / divisor
    for at in range(0, SIZE, BLOCK):
        value = at + column
        sums = tl.zeros([CHUNK, BLOCK], tl.float32)
        for of_key in range(0, SIZE, BLOCK):
            key = of_key + column
            q = lines(u, s, key, live, LINE, SIZE)
            c = turned(states + kept * SIZE * SIZE, value, key, value < SIZE, SIZE, SIZE)
            sums = multiply(q, c, sums, SHORT, OPERAND, PRECISION)
        v = lines(u + 2 * WIDTH, s, value, live, LINE, SIZE)
        sums = multiply(p, v, sums * carried[:, None], SHORT, OPERAND, PRECISION)
        o = lines(u + 3 * WIDTH, s, value, live, LINE, SIZE).to(tl.float32)
        out = tl.where(live[:, None], tl.sigmoid(o) * sums, 0.0)
        wanted = there[:, None] & (value < SIZE)[None, :]
        tl.store(y + s[:, None] * WIDTH + value[None, :], out, mask=wanted)


@triton.jit(do_not_specialize=["time", "chunks"])
@no_type_check  # as above
def divide(
    u, lengths, decays, peaks, exponents, reads, y, grad_y, grad_u, grad_sums, grad_reads,
    through_m, time, chunks,
    WIDTH: tl.constexpr, HEADS: tl.constexpr, SIZE: tl.constexpr, RAGGED: tl.constexpr,
    CHUNK: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip  # inputs, outputs, sizes
    """Write the gradients of numerators, of nᵀ q, of m as a floor, and of o, of one chunk."""
    own, chunk = tl.program_id(0) // chunks, tl.program_id(0) % chunks
    row, head = own // HEADS, own % HEADS
    start, s, column = chunk * CHUNK, tl.arange(0, CHUNK), tl.arange(0, BLOCK)
    length = steps_of(lengths, row, time, RAGGED)
    LINE: tl.constexpr = 4 * WIDTH + 2 * HEADS
    live, there = start + s < length, start + s < time
    wide = own.to(tl.int64)
    line = wide // HEADS * time + start
    o_place = line * LINE + 3 * WIDTH + head * SIZE
    y_place = line * WIDTH + head * SIZE
    gates = (wide * chunks + chunk) * CHUNK
    m = tl.load(exponents + wide * (chunks + 1) + chunk, mask=start < length, other=0)
    floor, own_floor = floor_of(decays + gates, tl.maximum(m, tl.load(peaks + gates + s)), s)
    read = tl.load(reads + gates + s, mask=live, other=0)
    size = tl.abs(read)
    factor = 1.0 / tl.where(size <= floor, floor, size)
    whole = tl.zeros([CHUNK], tl.float32)
    for at in range(0, SIZE, BLOCK):
        value = at + column
        wanted = there[:, None] & (value < SIZE)[None, :]
        o = lines(u + o_place, s, value, live, LINE, SIZE).to(tl.float32)
        of_y = lines(grad_y + y_place, s, value, live, WIDTH, SIZE).to(tl.float32)
        both = of_y * lines(y + y_place, s, value, live, WIDTH, SIZE).to(tl.float32)
        whole += tl.sum(both, axis=1)
        to = grad_u + o_place + s[:, None] * LINE + value[None, :]
        tl.store(to, both * tl.sigmoid(-o), mask=wanted)
        to = grad_sums + y_place + s[:, None] * WIDTH + value[None, :]
        tl.store(to, of_y * tl.sigmoid(o) * factor[:, None], mask=wanted)
    share = tl.where(size > floor, 1.0, tl.where(size == floor, 0.5, 0.0))
    of_read = share * tl.where(read < 0, whole, -whole) * factor
    tl.store(grad_reads + gates + s, tl.where(live, of_read, 0.0))
    tl.store(through_m + gates + s, tl.where(live & own_floor, whole * (1.0 - share), 0.0))


@triton.jit(do_not_specialize=["time", "chunks"])
@no_type_check  # as above
def attend_backward(
    u, lengths, peaks, added, states, vectors, exponents, grad_sums, grad_reads,
    grad_states, grad_vectors, products, grad_u, through_state, through_keys, time, chunks,
    WIDTH: tl.constexpr, HEADS: tl.constexpr, SIZE: tl.constexpr, FACTOR: tl.constexpr,
    RAGGED: tl.constexpr, CHUNK: tl.constexpr, BLOCK: tl.constexpr, TILES: tl.constexpr,
    SHORT: tl.constexpr, OPERAND: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip  # inputs, outputs, sizes
    """Write the gradients of q, k, v, and what reaches each step's gates through C, of one chunk.

    A decay's logarithm acts through what it leaves of C and n, a = <G, C> + <g, n> before its
    step. As step t reads at q and writes at k, a_t = a_(t+1) + <q, grad q> - <k, grad k>, which is
    begun anew at each chunk, so that rounding does not gather over all steps.
    """
    own, chunk = tl.program_id(0) // chunks, tl.program_id(0) % chunks
    row, head = own // HEADS, own % HEADS
    start, s, column = chunk * CHUNK, tl.arange(0, CHUNK), tl.arange(0, BLOCK)
    length = steps_of(lengths, row, time, RAGGED)
    LINE: tl.constexpr = 4 * WIDTH + 2 * HEADS
    wide = own.to(tl.int64)
    line = wide // HEADS * time + start
    u += line * LINE + head * SIZE
    grad_u += line * LINE + head * SIZE
    there = start + s < time
    if start >= length:
        for at in range(0, SIZE, BLOCK):
            wanted = there[:, None] & (at + column < SIZE)[None, :]
            zeros = tl.zeros([CHUNK, BLOCK], grad_u.dtype.element_ty)
            to = grad_u + s[:, None] * LINE + (at + column)[None, :]
            tl.store(to, zeros, mask=wanted)
            tl.store(to + WIDTH, zeros, mask=wanted)
            tl.store(to + 2 * WIDTH, zeros, mask=wanted)
        return
    live = start + s < length
    grad_sums += line * WIDTH + head * SIZE
    gates = (wide * chunks + chunk) * CHUNK
    kept = wide * (chunks + 1) + chunk
    end = wide * chunks + chunk
    states += kept * SIZE * SIZE
    grad_states += end * SIZE * SIZE
    p = tl.zeros([CHUNK, CHUNK], tl.float32)
    slopes = tl.zeros([CHUNK, CHUNK], tl.float32)
    for at in range(0, SIZE, BLOCK):
        q = lines(u, s, at + column, live, LINE, SIZE)
        k = turned(u + WIDTH, s, at + column, live, LINE, SIZE)
        p = multiply(q, k, p, SHORT, OPERAND, PRECISION)
        of_sums = lines(grad_sums, s, at + column, live, WIDTH, SIZE)
        v = turned(u + 2 * WIDTH, s, at + column, live, LINE, SIZE)
        slopes = multiply(of_sums, v, slopes, SHORT, OPERAND, PRECISION)
    m = tl.load(exponents + kept)
    weights, past, carried, _ = weights_of(peaks + gates, added + gates, m, s, CHUNK)
    of_reads = tl.load(grad_reads + gates + s)
    p = tl.where(past, p * FACTOR * weights, 0.0)
    slopes = tl.where(past, (slopes + of_reads[:, None]) * FACTOR * weights, 0.0)
    last = tl.maximum(m, tl.load(peaks + gates + CHUNK - 1))
    ending = tl.exp((tl.load(added + gates + s) - last).to(tl.float32)) * FACTOR
    for at in range(0, SIZE, BLOCK):
        value = at + column
        out = tl.zeros([CHUNK, BLOCK], tl.float32)
        for of_key in range(0, SIZE, BLOCK):
            key = of_key + column
            k = lines(u + WIDTH, s, key, live, LINE, SIZE)
            g = turned(grad_states, value, key, value < SIZE, SIZE, SIZE)
            out = multiply(k, g, out, SHORT, OPERAND, PRECISION)
        of_sums = lines(grad_sums, s, value, live, WIDTH, SIZE)
        out = out * ending[:, None]
        out = multiply(tl.trans(p), of_sums, out, SHORT, OPERAND, PRECISION)
        wanted = there[:, None] & (value < SIZE)[None, :]
        to = grad_u + 2 * WIDTH + s[:, None] * LINE + value[None, :]
        tl.store(to, tl.where(live[:, None], out, 0.0), mask=wanted)
    reading = tl.zeros([CHUNK], tl.float32)
    writing = tl.zeros([CHUNK], tl.float32)
    for at in range(0, SIZE, BLOCK):
        key = at + column
        of_q = tl.zeros([CHUNK, BLOCK], tl.float32)
        of_k = tl.zeros([CHUNK, BLOCK], tl.float32)
        for of_value in range(0, SIZE, BLOCK):
            value = of_value + column
            of_sums = lines(grad_sums, s, value, live, WIDTH, SIZE)
            c = lines(states, value, key, value < SIZE, SIZE, SIZE)
            of_q = multiply(of_sums, c, of_q, SHORT, OPERAND, PRECISION)
            v = lines(u + 2 * WIDTH, s, value, live, LINE, SIZE)
            g = lines(grad_states, value, key, value < SIZE, SIZE, SIZE)
            of_k = multiply(v, g, of_k, SHORT, OPERAND, PRECISION)
        n = tl.load(vectors + kept * SIZE + key, mask=key < SIZE, other=0)
        of_n = tl.load(grad_vectors + end * SIZE + key, mask=key < SIZE, other=0)
        of_q = (of_q + of_reads[:, None] * n[None, :]) * carried[:, None]
        of_k = (of_k + of_n[None, :]) * ending[:, None]
        q = lines(u, s, key, live, LINE, SIZE)
        k = lines(u + WIDTH, s, key, live, LINE, SIZE)
        of_q = multiply(slopes, k, of_q, SHORT, OPERAND, PRECISION)
        of_k = multiply(tl.trans(slopes), q, of_k, SHORT, OPERAND, PRECISION)
        reading += tl.sum(q.to(tl.float32) * of_q, axis=1)
        writing += tl.sum(k.to(tl.float32) * of_k, axis=1)
        wanted = there[:, None] & (key < SIZE)[None, :]
        to = grad_u + s[:, None] * LINE + key[None, :]
        tl.store(to, tl.where(live[:, None], of_q, 0.0), mask=wanted)
        tl.store(to + WIDTH, tl.where(live[:, None], of_k, 0.0), mask=wanted)
    tiles: tl.constexpr = ((SIZE + BLOCK - 1) // BLOCK) * ((SIZE + BLOCK - 1) // BLOCK)
    part = tl.arange(0, TILES)
    parts = products + kept * tiles + part
    before = tl.sum(tl.load(parts, mask=part < tiles, other=0), axis=0)
    after = tl.sum(tl.load(parts + tiles, mask=part < tiles, other=0), axis=0)
    within = after + tl.cumsum(tl.where(live, reading - writing, 0.0), axis=0, reverse=True)
    tl.store(through_state + gates + s, tl.where(s == 0, before, within))
    tl.store(through_keys + gates + s, writing)
