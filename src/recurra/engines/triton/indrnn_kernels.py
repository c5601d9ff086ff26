"""h ← relu(u + w h) along time, and its gradient: one program has a few columns of a row."""

from typing import no_type_check

import triton
import triton.language as tl

from recurra.engines.triton.gates import relu

AHEAD = tl.constexpr(8)  # steps that are read before they are needed
TERMS = tl.constexpr(64)  # added up before their sum is: a long sum alone loses digits


# numbers of which no kernel is to be compiled anew
@triton.jit(do_not_specialize=["time"])
@no_type_check  # Triton reads the source, which no wrapper may hide
def forward(
    lengths, initial, recurrence, bias, u, h, last,
    time, WIDTH: tl.constexpr, RAGGED: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip  # inputs and outputs, sizes
    """Write h of all steps of a row, 0 beyond its length, and the state after it."""
    row = tl.program_id(1).to(tl.int64)
    unit = tl.program_id(0) * COLUMNS + tl.arange(0, COLUMNS)
    inside = unit < WIDTH
    length = time
    if RAGGED:
        length = tl.load(lengths + row).to(tl.int32)
    state = tl.load(initial + row * WIDTH + unit, mask=inside, other=0).to(tl.float32)
    w = tl.load(recurrence + unit, mask=inside, other=0)
    b = tl.load(bias + unit, mask=inside, other=0).to(tl.float32)
    at = row * time * WIDTH + unit
    for t in tl.range(0, length, num_stages=AHEAD):
        here = at + tl.cast(t, tl.int64) * WIDTH
        state = relu(tl.load(u + here, mask=inside, other=0).to(tl.float32) + b + w * state)
        tl.store(h + here, state, mask=inside)
    tl.store(last + row * WIDTH + unit, state, mask=inside)
    for t in range(length, time):
        tl.store(h + at + tl.cast(t, tl.int64) * WIDTH, tl.zeros_like(w), mask=inside)


@triton.jit(do_not_specialize=["time"])
@no_type_check  # as above
def backward(
    lengths, initial, recurrence, h, grad_h, grad_last, grad_u, grad_each, grad_initial,
    time, WIDTH: tl.constexpr, RAGGED: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip  # inputs and outputs, sizes
    """Write the gradients of W x + b, of w by each row, and of the initial state."""
    row = tl.program_id(1).to(tl.int64)
    unit = tl.program_id(0) * COLUMNS + tl.arange(0, COLUMNS)
    inside = unit < WIDTH
    length = time
    if RAGGED:
        length = tl.load(lengths + row).to(tl.int32)
    own = row * WIDTH + unit
    g = tl.load(grad_last + own, mask=inside, other=0).to(tl.float32)
    first = tl.load(initial + own, mask=inside, other=0).to(tl.float32)
    w = tl.load(recurrence + unit, mask=inside, other=0)
    each, recent = tl.zeros_like(w), tl.zeros_like(w)
    at = row * time * WIDTH + unit
    for back in tl.range(0, length, num_stages=AHEAD):
        t = length - 1 - back
        here = at + tl.cast(t, tl.int64) * WIDTH
        now = tl.load(h + here, mask=inside, other=0).to(tl.float32)
        before = tl.load(h + here - WIDTH, mask=inside & (here >= at + WIDTH), other=0)
        before = tl.where(here == at, first, before.to(tl.float32))
        g += tl.load(grad_h + here, mask=inside, other=0).to(tl.float32)
        g = tl.where(now > 0, g, 0.0)
        tl.store(grad_u + here, g, mask=inside)
        recent += g * before
        g *= w
        full = (here - at) % (TERMS * WIDTH) == 0
        each += tl.where(full, recent, 0.0)
        recent = tl.where(full, 0.0, recent)
    tl.store(grad_each + own, each, mask=inside)
    tl.store(grad_initial + own, g, mask=inside)
    for t in range(length, time):
        tl.store(grad_u + at + tl.cast(t, tl.int64) * WIDTH, tl.zeros_like(w), mask=inside)
