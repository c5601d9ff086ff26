"""Chunks of time of a scan, each in a program of its own, that hand the state on to each other.

Every chunk reads and writes memory once: it composes its steps while the chunk before is not done,
waits for that one's last state, and has its own last state by one multiplication and addition.
The order of the additions does not depend on which program is faster: results are the same bits.
"""

from typing import no_type_check

import triton
import triton.language as tl

READY = tl.constexpr(1 << 32)  # above the 32 bits of a number


@triton.jit
@no_type_check  # Triton reads the source, which no wrapper may hide
def place(words, columns, LANES: tl.constexpr):
    """Return a program's chunk, and its columns.

    Programs may start in any order, so they draw a ticket each: who waits for a chunk waits for
    a lower ticket, whose program runs already and needs no other's place.
    """
    ticket = tl.atomic_add(words, 1, sem="relaxed")
    blocks = tl.cdiv(columns, LANES)
    return ticket // blocks, (ticket % blocks) * LANES + tl.arange(0, LANES)


@triton.jit
@no_type_check  # as above
def publish(at, inside, state):
    """Tell the state after a chunk.

    Number and sign that it is there are one word, which is written and read whole: no order of
    memory is needed between two.
    """
    word = state.to(tl.uint32, bitcast=True).to(tl.int64) | READY
    tl.atomic_xchg(at, word, mask=inside, sem="relaxed")


@triton.jit
@no_type_check  # as above
def receive(at, inside):
    """Wait for the state after a chunk, and return it."""
    word = tl.load(at, mask=inside, other=READY, volatile=True)
    while tl.min((word >> 32).to(tl.int32), axis=0) == 0:
        word = tl.load(at, mask=inside, other=READY, volatile=True)
    return (word & (READY - 1)).to(tl.uint32).to(tl.float32, bitcast=True)
