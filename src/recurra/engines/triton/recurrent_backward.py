"""Cells with a matrix between states, backward: one program has a few columns of a few rows."""

from typing import no_type_check

import triton
import triton.language as tl

from recurra.engines.triton.gates import maximum, tanh
from recurra.engines.triton.meeting import arrive, place, wait
from recurra.engines.triton.product import product, resident


# numbers of which no kernel is to be compiled anew
@triton.jit(do_not_specialize=["batch", "time", "top", "share", "members", "begin", "end"])
@no_type_check  # Triton reads the source, which no wrapper may hide
def backward(
    weight, lengths, initial, kept, memory, y, grad_y, grads, carry, exchange, counters,
    batch, time, top, share, members, begin, end,
    CELL: tl.constexpr, GATES: tl.constexpr, LEAVES: tl.constexpr,
    SIZE: tl.constexpr, HEADS: tl.constexpr, KEPT_LINE: tl.constexpr, GRADS_LINE: tl.constexpr,
    RAGGED: tl.constexpr, MEET: tl.constexpr, RESIDENT: tl.constexpr,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr, SPLIT: tl.constexpr, DEPTH: tl.constexpr,
    STAGES: tl.constexpr, WIDE: tl.constexpr,
):  # fmt: skip  # inputs and outputs, sizes, what is compiled
    """Take back steps `end` − 1 to `begin`.

    exchange [2, batch, HEADS, GATES, SIZE] holds the gradients of the gates of even and of odd
    steps, in the products' type; carry [LEAVES, batch, width] the gradient of the state, in
    float32, without what comes to h by the matrix. `grads` may be `kept`.
    """
    WIDTH: tl.constexpr = SIZE * HEADS
    K: tl.constexpr = GATES * SIZE
    team, head, first, row, mine, column, inside, unit, length = place(
        lengths, batch, time, top, share, members, SIZE, HEADS, RAGGED, ROWS, COLUMNS
    )
    held = 0
    if RESIDENT:
        held = resident(weight, head, first, COLUMNS, SPLIT, DEPTH, GATES, 1, SIZE, HEADS, True)
    own = row[:, None] * WIDTH + unit
    leaf = batch.to(tl.int64) * WIDTH
    direct = tl.load(carry + own, mask=inside, other=0)
    if LEAVES > 1:
        of_c = tl.load(carry + leaf + own, mask=inside, other=0)
    if LEAVES > 2:
        of_n = tl.load(carry + 2 * leaf + own, mask=inside, other=0)
        of_m = tl.load(carry + 3 * leaf + own, mask=inside, other=0)
    seen = exchange + row * (HEADS * K) + head * K
    beside = (row * (HEADS * K) + head * K)[:, None] + column[None, :]
    for back in range(end - begin):
        t = end - 1 - back
        live = inside & (t < length)[:, None]
        line = (row * time + t)[:, None]
        later = live & (line > row[:, None] * time)
        begun = live & (line == row[:, None] * time)
        here = line * WIDTH + unit
        g = tl.load(grad_y + here, mask=live, other=0).to(tl.float32)
        if GATES == 1:
            h = tl.load(y + here, mask=live, other=0).to(tl.float32)
        else:
            at = kept + line * KEPT_LINE + unit
            k0 = tl.load(at, mask=live, other=0).to(tl.float32)
            k1 = tl.load(at + WIDTH, mask=live, other=0).to(tl.float32)
            k2 = tl.load(at + 2 * WIDTH, mask=live, other=0).to(tl.float32)
            k3 = tl.load(at + 3 * WIDTH, mask=live, other=0).to(tl.float32)
        if CELL == "gru":
            h_before = tl.load(y + here - WIDTH, mask=later, other=0).to(tl.float32)
            h_before += tl.load(initial + own, mask=begun, other=0)
        if LEAVES > 1:
            at = memory + line * (LEAVES // 2 * WIDTH) + unit
            c_now = tl.load(at, mask=live, other=0)
            c_before = tl.load(at - LEAVES // 2 * WIDTH, mask=later, other=0)
            c_before += tl.load(initial + own + leaf, mask=begun, other=0)
        if LEAVES > 2:
            k4 = tl.load(kept + line * KEPT_LINE + 4 * WIDTH + unit, mask=live, other=0)
            n_now = tl.load(at + WIDTH, mask=live, other=1)
            n_before = tl.load(at - WIDTH, mask=later, other=0)
            n_before += tl.load(initial + own + 2 * leaf, mask=begun, other=0)
        if MEET:
            wait(counters + team * 32, back * members)
        else:
            tl.debug_barrier()
        g += direct + product(
            seen + ((t + 1) % 2) * GATES * leaf, mine, held, weight, head, first, K, COLUMNS, ROWS,
            RESIDENT, SPLIT, DEPTH, STAGES, WIDE, GATES, 1, SIZE, HEADS, True,
        )  # fmt: skip  # as in its definition
        there = exchange + (t % 2) * GATES * leaf + beside
        if GATES == 1:
            d0 = g * (1 - h * h) if CELL == "tanh" else tl.where(h > 0, g, 0.0)
            direct = tl.where(live, 0.0, direct)
        elif CELL == "gru":
            d1 = g * (h_before - k2) * k1 * (1 - k1)
            inner = g * (1 - k1) * (1 - k2 * k2)
            d0, d2 = inner * k3 * k0 * (1 - k0), inner * k0
            direct = tl.where(live, g * k1, direct)
        elif CELL == "lstm":
            read = tanh(c_now)
            within = g * k3 * (1 - read * read) + of_c
            d0, d1 = within * k2 * k0 * (1 - k0), within * c_before * k1 * (1 - k1)
            d2, d3 = within * k0 * (1 - k2 * k2), g * read * k3 * (1 - k3)
            direct, of_c = tl.where(live, 0.0, direct), tl.where(live, within * k1, of_c)
        else:
            m_now = maximum(k1, k0)
            f, i, mean = tl.exp(k1 - m_now), tl.exp(k0 - m_now), c_now / n_now
            dc, dn = of_c + g * k3 / n_now, of_n - g * k3 * mean / n_now
            of_stays, of_i = (dc * c_before + dn * n_before) * f, (dc * k2 + dn) * i
            rest = of_m - of_stays - of_i
            part = tl.where(k1 > k0, 1.0, tl.where(k1 == k0, 0.5, 0.0))
            of_stays, of_i = of_stays + rest * part, of_i + rest * (1 - part)
            d0, d1 = of_i, of_stays * k4
            d2, d3 = dc * i * (1 - k2 * k2), g * mean * k3 * (1 - k3)
            direct = tl.where(live, 0.0, direct)
            of_c, of_n = tl.where(live, dc * f, of_c), tl.where(live, dn * f, of_n)
            of_m = tl.where(live, of_stays, of_m)
        d0 = tl.where(live, d0, 0.0)
        tl.store(there, d0, mask=inside)
        if GATES > 1:
            d1, d2 = tl.where(live, d1, 0.0), tl.where(live, d2, 0.0)
            tl.store(there + SIZE, d1, mask=inside)
            tl.store(there + 2 * SIZE, d2, mask=inside)
        if GATES > 3:
            d3 = tl.where(live, d3, 0.0)
            tl.store(there + 3 * SIZE, d3, mask=inside)
        if MEET:
            arrive(counters + team * 32)
        to = grads + line * GRADS_LINE + unit
        tl.store(to, d0, mask=inside)
        if GATES > 1:
            tl.store(to + WIDTH, d1, mask=inside)
        if CELL == "gru":  # and what n sees through r has a gradient of its own
            tl.store(to + 2 * WIDTH, tl.where(live, inner, 0.0), mask=inside)
            tl.store(to + 3 * WIDTH, d2, mask=inside)
        elif GATES > 3:
            tl.store(to + 2 * WIDTH, d2, mask=inside)
            tl.store(to + 3 * WIDTH, d3, mask=inside)
    tl.store(carry + own, direct, mask=inside)
    if LEAVES > 1:
        tl.store(carry + leaf + own, of_c, mask=inside)
    if LEAVES > 2:
        tl.store(carry + 2 * leaf + own, of_n, mask=inside)
        tl.store(carry + 3 * leaf + own, of_m, mask=inside)
