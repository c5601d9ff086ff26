"""Programs of one launch that wait for each other: all of them must have a processor at once."""

from typing import no_type_check

import triton
import triton.language as tl


@triton.jit
@no_type_check  # Triton reads the source, which no wrapper may hide
def place(
    lengths, batch, time, top, share, members, SIZE: tl.constexpr, HEADS: tl.constexpr,
    RAGGED: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip  # sizes, what is compiled
    """Return a program's team and head, its rows and their lengths, its columns."""
    team, member = tl.program_id(0) // members, tl.program_id(0) % members
    head, first = team % HEADS, member * COLUMNS
    row = top + (team // HEADS) * share + tl.arange(0, ROWS)
    mine = (tl.arange(0, ROWS) < share) & (row < batch)
    row = row.to(tl.int64)
    column = first + tl.arange(0, COLUMNS)
    inside = mine[:, None] & (column < SIZE)[None, :]
    unit = (head * SIZE + column)[None, :]
    length = tl.zeros((ROWS,), tl.int64) + time
    if RAGGED:
        length = tl.load(lengths + row, mask=mine, other=0)
    return team, head, first, row, mine, column, inside, unit, length


@triton.jit
@no_type_check  # as above
def arrive(counter):
    """Tell the team that what this program wrote is there."""
    tl.debug_barrier()  # one thread speaks for all of them
    tl.atomic_add(counter, 1, sem="release", scope="gpu")


@triton.jit
@no_type_check  # as above
def wait(counter, arrivals):
    """Wait until the team has arrived so many times; see what it wrote before."""
    while tl.atomic_add(counter, 0, sem="acquire", scope="gpu") < arrivals:
        pass
    tl.debug_barrier()
