"""The product of a team's rows and one program's part of the matrix between states."""

from typing import no_type_check

import triton
import triton.language as tl


@triton.jit
@no_type_check  # Triton reads the source, which no wrapper may hide
def weights(
    weight, head, first, k, n,
    GATES: tl.constexpr, PADDED: tl.constexpr, SIZE: tl.constexpr, HEADS: tl.constexpr,
    BACK: tl.constexpr,
):  # fmt: skip  # sizes in lines of their own
    """Return U[gate, head, to, from] at [k, n].

    Forward, k is `from`, and n `to` with its PADDED gates side by side; backward, k is gate and
    `to`, and n `from`. Columns of a program begin at `first`.
    """
    if BACK:
        gate, to, before = k // SIZE, k % SIZE, first + n
    else:
        gate, to, before = n % PADDED, first + n // PADDED, k
    inside = (gate < GATES) & (to < SIZE) & (before < SIZE)
    at = ((gate * HEADS + head) * SIZE + to) * SIZE + before
    return tl.load(weight + at, mask=inside, other=0)


@triton.jit
@no_type_check  # as above
def dot(a, b, WIDE: tl.constexpr):
    """Multiply, adding in float32; float32 by three products of 11 bits, exact to 2⁻²²."""
    if WIDE:  # the interpreter does not multiply bfloat16
        a, b = a.to(tl.float32), b.to(tl.float32)
    return tl.dot(a, b, input_precision="tf32x3")


@triton.jit
@no_type_check  # as above
def resident(
    weight, head, first, N: tl.constexpr, SPLIT: tl.constexpr, DEPTH: tl.constexpr,
    GATES: tl.constexpr, PADDED: tl.constexpr, SIZE: tl.constexpr, HEADS: tl.constexpr,
    BACK: tl.constexpr,
):  # fmt: skip  # sizes in lines of their own
    """Return a program's part of U, to be held for all steps, in SPLIT parts of its depth."""
    if SPLIT == 1:
        k, n = tl.arange(0, DEPTH)[:, None], tl.arange(0, N)[None, :]
    else:
        k = tl.arange(0, SPLIT)[:, None, None] * DEPTH + tl.arange(0, DEPTH)[None, :, None]
        n = tl.arange(0, N)[None, None, :]
    return weights(weight, head, first, k, n, GATES, PADDED, SIZE, HEADS, BACK)


@triton.jit
@no_type_check  # as above
def product(
    lines, mine, held, weight, head, first,
    K: tl.constexpr, N: tl.constexpr, ROWS: tl.constexpr,
    RESIDENT: tl.constexpr, SPLIT: tl.constexpr, DEPTH: tl.constexpr,
    STAGES: tl.constexpr, WIDE: tl.constexpr,
    GATES: tl.constexpr, PADDED: tl.constexpr, SIZE: tl.constexpr, HEADS: tl.constexpr,
    BACK: tl.constexpr,
):  # fmt: skip  # sizes in lines of their own
    """Return the rows that begin at `lines`, K numbers each, times U [K, N].

    SPLIT parts of K are products of their own, which warps share: a single chain of additions
    would take longer than all else in a step. Lines are written by other programs: no `.ca`.
    """
    k, n = tl.arange(0, DEPTH), tl.arange(0, N)
    if not RESIDENT:
        total = tl.zeros((ROWS, N), tl.float32)
        for begin in tl.range(0, K, DEPTH, num_stages=STAGES):
            part = begin + k
            inside = mine[:, None] & (part < K)[None, :]
            a = tl.load(lines[:, None] + part[None, :], mask=inside, other=0, cache_modifier=".cg")
            b = weights(
                weight, head, first, part[:, None], n[None, :], GATES, PADDED, SIZE, HEADS, BACK
            )
            total += dot(a, b, WIDE)
    elif SPLIT == 1:
        inside = mine[:, None] & (k < K)[None, :]
        a = tl.load(lines[:, None] + k[None, :], mask=inside, other=0, cache_modifier=".cg")
        total = dot(a, held, WIDE)
    else:
        k = tl.arange(0, SPLIT)[:, None, None] * DEPTH + k[None, None, :]
        inside = mine[None, :, None] & (k < K)
        a = tl.load(lines[None, :, None] + k, mask=inside, other=0, cache_modifier=".cg")
        total = tl.sum(dot(a, held, WIDE), axis=0)
    return total
