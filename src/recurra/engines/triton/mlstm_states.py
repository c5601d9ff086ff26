"""MLSTM's states between chunks, and their gradients: chunk after chunk, a block of C each."""

from typing import no_type_check

import triton
import triton.language as tl

from recurra.engines.triton.mlstm_gates import steps_of


@triton.jit
@no_type_check  # Triton reads the source, which no wrapper may hide
def lines(base, line, column, live, LINE: tl.constexpr, SIZE: tl.constexpr):
    """Return columns of lines, [line column], zeros where a step is not live."""
    mask = live[:, None] & (column < SIZE)[None, :]
    return tl.load(base + line[:, None] * LINE + column[None, :], mask=mask, other=0)


@triton.jit
@no_type_check  # as above
def turned(base, line, column, live, LINE: tl.constexpr, SIZE: tl.constexpr):
    """Return the same as [column line]."""
    mask = (column < SIZE)[:, None] & live[None, :]
    return tl.load(base + line[None, :] * LINE + column[:, None], mask=mask, other=0)


@triton.jit
@no_type_check  # as above
def multiply(a, b, sums, SHORT: tl.constexpr, OPERAND: tl.constexpr, PRECISION: tl.constexpr):
    """Return sums + a b, of operands that are rounded to SHORT."""
    a, b = a.to(SHORT).to(OPERAND), b.to(SHORT).to(OPERAND)
    return tl.dot(a, b, sums, input_precision=PRECISION)


@triton.jit(do_not_specialize=["time", "chunks"])
@no_type_check  # as above
def move_states(
    u, lengths, decays, peaks, added, c_initial, n_initial, m_initial,
    states, vectors, exponents, c_last, n_last, m_last, time, chunks,
    WIDTH: tl.constexpr, HEADS: tl.constexpr, SIZE: tl.constexpr, FACTOR: tl.constexpr,
    RAGGED: tl.constexpr, CHUNK: tl.constexpr, BLOCK: tl.constexpr,
    SHORT: tl.constexpr, OPERAND: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip  # inputs, outputs, sizes
    """Write C, n and m before each chunk and after the last one: a block of one head's C."""
    own, blocks = tl.program_id(0), tl.cdiv(SIZE, BLOCK)
    of_values, of_keys = tl.program_id(1) // blocks, tl.program_id(1) % blocks
    row, head = own // HEADS, own % HEADS
    length = steps_of(lengths, row, time, RAGGED)
    LINE: tl.constexpr = 4 * WIDTH + 2 * HEADS
    s, column = tl.arange(0, CHUNK), tl.arange(0, BLOCK)
    value, key = of_values * BLOCK + column, of_keys * BLOCK + column
    matrix = value[:, None] * SIZE + key[None, :]
    inside = (value < SIZE)[:, None] & (key < SIZE)[None, :]
    first = key < tl.where(of_values == 0, SIZE, 0)  # of the programs that share n, one writes it
    wide = own.to(tl.int64)
    c = tl.load(c_initial + wide * SIZE * SIZE + matrix, mask=inside, other=0).to(tl.float32)
    n = tl.load(n_initial + wide * SIZE + key, mask=key < SIZE, other=0).to(tl.float32)
    m = tl.load(m_initial + own).to(tl.float64)
    begin = wide // HEADS * time
    u += head * SIZE
    gates = wide * chunks * CHUNK
    kept = wide * (chunks + 1)
    count = tl.cdiv(length, CHUNK)
    for chunk in range(count):
        tl.store(states + (kept + chunk) * SIZE * SIZE + matrix, c.to(SHORT), mask=inside)
        tl.store(vectors + (kept + chunk) * SIZE + key, n, mask=first)
        tl.store(exponents + kept + chunk, m, mask=tl.program_id(1) == 0)
        start = chunk * CHUNK
        live = start + s < length
        at = u + (begin + start) * LINE
        k = lines(at + WIDTH, s, key, live, LINE, SIZE)
        v = turned(at + 2 * WIDTH, s, value, live, LINE, SIZE)
        top = tl.maximum(m, tl.load(peaks + gates + start + CHUNK - 1))
        end = tl.load(added + gates + start + s) - top
        end = tl.exp(end.to(tl.float32)) * FACTOR
        carried = tl.exp((m - top).to(tl.float32))
        c = multiply(v.to(tl.float32) * end[None, :], k, c * carried, SHORT, OPERAND, PRECISION)
        n = n * carried + tl.sum(k.to(tl.float32) * end[:, None], axis=0)
        m = top + tl.load(decays + gates + start + CHUNK - 1)
    tl.store(states + (kept + count) * SIZE * SIZE + matrix, c.to(SHORT), mask=inside)
    tl.store(vectors + (kept + count) * SIZE + key, n, mask=first)
    tl.store(exponents + kept + count, m, mask=tl.program_id(1) == 0)
    # what rounding m loses goes into C and n, but where that is more than a factor of e
    rounded = m.to(tl.float32).to(m_last.dtype.element_ty)
    lost = (m - rounded.to(tl.float64)).to(tl.float32)
    correction = tl.exp(tl.where(tl.abs(lost) < 1.0, lost, 0.0))
    tl.store(c_last + wide * SIZE * SIZE + matrix, c * correction, mask=inside)
    tl.store(n_last + wide * SIZE + key, n * correction, mask=first)
    tl.store(m_last + own, rounded, mask=tl.program_id(1) == 0)


@triton.jit
@no_type_check  # as above
def product(g, of_n, c, n, first):
    """Return <g, c> + <of_n, n>, the second where it is first."""
    whole = tl.sum(tl.sum(g * c.to(tl.float32), axis=1), axis=0)
    return whole + tl.sum(tl.where(first, of_n * n, 0.0), axis=0)


@triton.jit(do_not_specialize=["time", "chunks"])
@no_type_check  # as above
def move_gradients(
    u, lengths, peaks, states, vectors, exponents, grad_sums, grad_reads, grad_c_last, grad_n_last,
    grad_states, grad_vectors, products, grad_c_initial, grad_n_initial, time, chunks,
    WIDTH: tl.constexpr, HEADS: tl.constexpr, SIZE: tl.constexpr,
    RAGGED: tl.constexpr, CHUNK: tl.constexpr, BLOCK: tl.constexpr,
    SHORT: tl.constexpr, OPERAND: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip  # inputs, outputs, sizes
    """Write the gradients G, g of C, n after each chunk and before the first: a block of G.

    And, as its share of <G, C> + <g, n>, that of the block, before each chunk and after the last.
    """
    own, blocks = tl.program_id(0), tl.cdiv(SIZE, BLOCK)
    tile, tiles = tl.program_id(1), blocks * blocks
    of_values, of_keys = tile // blocks, tile % blocks
    row, head = own // HEADS, own % HEADS
    length = steps_of(lengths, row, time, RAGGED)
    LINE: tl.constexpr = 4 * WIDTH + 2 * HEADS
    s, column = tl.arange(0, CHUNK), tl.arange(0, BLOCK)
    value, key = of_values * BLOCK + column, of_keys * BLOCK + column
    matrix = value[:, None] * SIZE + key[None, :]
    inside = (value < SIZE)[:, None] & (key < SIZE)[None, :]
    first = key < tl.where(of_values == 0, SIZE, 0)
    wide = own.to(tl.int64)
    g = tl.load(grad_c_last + wide * SIZE * SIZE + matrix, mask=inside, other=0).to(tl.float32)
    # those that do not write it need none
    of_n = tl.load(grad_n_last + wide * SIZE + key, mask=first, other=0).to(tl.float32)
    begin = wide // HEADS * time
    u += head * SIZE
    grad_sums += head * SIZE
    gates = wide * chunks * CHUNK
    kept = wide * (chunks + 1)
    count = tl.cdiv(length, CHUNK)
    c = tl.load(states + (kept + count) * SIZE * SIZE + matrix, mask=inside, other=0)
    n = tl.load(vectors + (kept + count) * SIZE + key, mask=first, other=0)
    tl.store(products + (kept + count) * tiles + tile, product(g, of_n, c, n, first))
    for number in range(count):
        chunk = count - 1 - number
        end = wide * chunks + chunk
        tl.store(grad_states + end * SIZE * SIZE + matrix, g.to(SHORT), mask=inside)
        tl.store(grad_vectors + end * SIZE + key, of_n, mask=first)
        start = chunk * CHUNK
        live = start + s < length
        q = lines(u + (begin + start) * LINE, s, key, live, LINE, SIZE)
        of_sums = turned(grad_sums + (begin + start) * WIDTH, s, value, live, WIDTH, SIZE)
        m = tl.load(exponents + kept + chunk)
        carried = m - tl.maximum(m, tl.load(peaks + gates + start + s))
        carried = tl.exp(carried.to(tl.float32))
        all_of_it = m - tl.maximum(m, tl.load(peaks + gates + start + CHUNK - 1))
        all_of_it = tl.exp(all_of_it.to(tl.float32))
        of_sums = of_sums.to(tl.float32) * carried[None, :]
        g = multiply(of_sums, q, g * all_of_it, SHORT, OPERAND, PRECISION)
        of_reads = carried * tl.load(grad_reads + gates + start + s)
        of_n = of_n * all_of_it + tl.sum(q.to(tl.float32) * of_reads[:, None], axis=0)
        c = tl.load(states + (kept + chunk) * SIZE * SIZE + matrix, mask=inside, other=0)
        n = tl.load(vectors + (kept + chunk) * SIZE + key, mask=first, other=0)
        tl.store(products + (kept + chunk) * tiles + tile, product(g, of_n, c, n, first))
    tl.store(grad_c_initial + wide * SIZE * SIZE + matrix, g, mask=inside)
    tl.store(grad_n_initial + wide * SIZE + key, of_n, mask=first)
