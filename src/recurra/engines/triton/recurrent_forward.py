"""Cells with a matrix between states, forward: one program has a few columns of a few rows."""

from typing import no_type_check

import triton
import triton.language as tl

from recurra.engines.triton.gates import log_sigmoid, maximum, relu, sigmoid, tanh
from recurra.engines.triton.meeting import arrive, place, wait
from recurra.engines.triton.product import product, resident


# numbers of which no kernel is to be compiled anew
@triton.jit(do_not_specialize=["batch", "time", "top", "share", "members", "begin", "end"])
@no_type_check  # Triton reads the source, which no wrapper may hide
def forward(
    weight, lengths, bias, u, kept, memory, y, carry, exchange, counters,
    batch, time, top, share, members, begin, end,
    CELL: tl.constexpr, GATES: tl.constexpr, PADDED: tl.constexpr, LEAVES: tl.constexpr,
    SIZE: tl.constexpr, HEADS: tl.constexpr, U_LINE: tl.constexpr, KEPT_LINE: tl.constexpr,
    RAGGED: tl.constexpr, KEEP: tl.constexpr, MEET: tl.constexpr, RESIDENT: tl.constexpr,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr, SPLIT: tl.constexpr, DEPTH: tl.constexpr,
    STAGES: tl.constexpr, WIDE: tl.constexpr,
):  # fmt: skip  # inputs and outputs, sizes, what is compiled
    """Take steps `begin` to `end`.

    Kept are, of a GRU, r, z, n and Un h + cn; of an LSTM i, f, g, o, and c in memory; of an SLSTM
    log i, m + log f, z, o and the slope of log f, and c and n in memory.
    exchange [2, batch, width] holds h before even and before odd steps, in the products' type;
    carry [LEAVES, batch, width] the state, in float32. A team is `members` programs, which have
    all columns of a head of `share` rows, from row `top` on, and meet after every step.
    """
    WIDTH: tl.constexpr = SIZE * HEADS
    N: tl.constexpr = COLUMNS * PADDED
    team, head, first, row, mine, column, inside, unit, length = place(
        lengths, batch, time, top, share, members, SIZE, HEADS, RAGGED, ROWS, COLUMNS
    )
    held = 0
    if RESIDENT:
        held = resident(weight, head, first, N, SPLIT, DEPTH, GATES, PADDED, SIZE, HEADS, False)
    own = row[:, None] * WIDTH + unit
    leaf = batch.to(tl.int64) * WIDTH
    h = tl.load(carry + own, mask=inside, other=0)
    if LEAVES > 1:
        c = tl.load(carry + leaf + own, mask=inside, other=0)
    if LEAVES > 2:
        n = tl.load(carry + 2 * leaf + own, mask=inside, other=0)
        m = tl.load(carry + 3 * leaf + own, mask=inside, other=0)
    seen = exchange + row * WIDTH + head * SIZE
    there = (column < SIZE)[None, :]
    b0 = tl.load(bias + unit, mask=there, other=0).to(tl.float32)
    if GATES > 1:
        b1 = tl.load(bias + unit + WIDTH, mask=there, other=0).to(tl.float32)
        b2 = tl.load(bias + unit + 2 * WIDTH, mask=there, other=0).to(tl.float32)
        b3 = tl.load(bias + unit + 3 * WIDTH, mask=there, other=0).to(tl.float32)
    for t in range(begin, end):
        live = inside & (t < length)[:, None]
        line = (row * time + t)[:, None]
        at = line * U_LINE + unit
        u0 = tl.load(u + at, mask=live, other=0).to(tl.float32) + b0
        if GATES > 1:
            u1 = tl.load(u + at + WIDTH, mask=live, other=0).to(tl.float32) + b1
            u2 = tl.load(u + at + 2 * WIDTH, mask=live, other=0).to(tl.float32) + b2
        if GATES > 3:
            u3 = tl.load(u + at + 3 * WIDTH, mask=live, other=0).to(tl.float32) + b3
        if MEET:
            wait(counters + team * 32, (t - begin) * members)
        else:
            tl.debug_barrier()
        total = product(
            seen + (t % 2) * leaf, mine, held, weight, head, first, SIZE, N, ROWS,
            RESIDENT, SPLIT, DEPTH, STAGES, WIDE, GATES, PADDED, SIZE, HEADS, False,
        )  # fmt: skip  # as in its definition
        if PADDED > 1:
            even, odd = tl.split(tl.reshape(total, (ROWS, COLUMNS, 2, 2)))
            s0, s2 = tl.split(even)
            s1, s3 = tl.split(odd)
        if CELL == "tanh":
            after = tanh(u0 + total)
        elif CELL == "relu":
            after = relu(u0 + total)
        elif CELL == "gru":
            k0, k1, k3 = sigmoid(u0 + s0), sigmoid(u1 + s1), s2 + b3
            k2 = tanh(u2 + k0 * k3)
            after = sigmoid(-u1 - s1) * k2 + k1 * h
        elif CELL == "lstm":
            k0, k1, k2, k3 = sigmoid(u0 + s0), sigmoid(u1 + s1), tanh(u2 + s2), sigmoid(u3 + s3)
            c_now = k1 * c + k0 * k2
            after = k3 * tanh(c_now)
            c = tl.where(live, c_now, c)
        else:
            k0, k1, k2, k3 = u0 + s0, u1 + s1, tanh(u2 + s2), sigmoid(u3 + s3)
            k4 = tl.zeros_like(k1) + 1
            if CELL == "slstm":
                k1, k4 = log_sigmoid(k1)
            k1 += m
            m_now = maximum(k1, k0)
            f, i = tl.exp(k1 - m_now), tl.exp(k0 - m_now)
            c_now, n_now = f * c + i * k2, f * n + i
            after = k3 * c_now / n_now
            c, n, m = tl.where(live, c_now, c), tl.where(live, n_now, n), tl.where(live, m_now, m)
        h = tl.where(live, after, h)
        tl.store(exchange + ((t + 1) % 2) * leaf + own, h, mask=inside)
        if MEET:
            arrive(counters + team * 32)
        # what nobody waits for
        tl.store(y + line * WIDTH + unit, tl.where(live, h, 0.0), mask=inside)
        if KEEP:
            to = kept + line * KEPT_LINE + unit
            tl.store(to, k0, mask=live)
            tl.store(to + WIDTH, k1, mask=live)
            tl.store(to + 2 * WIDTH, k2, mask=live)
            tl.store(to + 3 * WIDTH, k3, mask=live)
            if LEAVES == 2:
                tl.store(memory + line * WIDTH + unit, c_now, mask=live)
            if LEAVES == 4:
                tl.store(to + 4 * WIDTH, k4, mask=live)
                tl.store(memory + line * (2 * WIDTH) + unit, c_now, mask=live)
                tl.store(memory + line * (2 * WIDTH) + WIDTH + unit, n_now, mask=live)
    tl.store(carry + own, h, mask=inside)
    if LEAVES > 1:
        tl.store(carry + leaf + own, c, mask=inside)
    if LEAVES > 2:
        tl.store(carry + 2 * leaf + own, n, mask=inside)
        tl.store(carry + 3 * leaf + own, m, mask=inside)
