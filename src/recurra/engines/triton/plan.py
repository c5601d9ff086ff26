"""How a launch of the recurrent kernels is cut into programs."""

from functools import lru_cache
from typing import NamedTuple

import torch

ROWS = 64  # of a team at most: its sums lie in registers
SHARED = 200 * 1024  # bytes of a processor's shared memory, for a part of U and its rows' numbers
STEP = 64 * 1024  # bytes that a processor reads from the L2 cache while programs meet,
NEAR = 5  # and of its own memory so many times as much


class Plan(NamedTuple):
    """A team of `members` programs has all columns of `share` rows of one head.

    rows, columns: the tile of a program, powers of 2. teams: of one launch. persistent: one launch
    takes all steps; otherwise each takes one. resident: a program's part of U, in `split` parts of
    `depth` numbers, is read once; otherwise by `depth` at each step.
    """

    rows: int
    share: int
    teams: int
    columns: int
    members: int
    persistent: bool
    resident: bool
    split: int
    depth: int
    warps: int


@lru_cache(maxsize=1024)
def plan(
    batch: int, heads: int, size: int, depth: int, gates: int, itemsize: int, processors: int
) -> Plan:
    """Return the plan that reads the fewest bytes in each step, on so many processors.

    Args:
        batch: rows.
        heads: parts of the state that do not see each other.
        size: columns of a head.
        depth: numbers that a row's product with U sums.
        gates: of a column side by side in a product: 1 or 4.
        itemsize: bytes of a number of U.
        processors: how many programs run at once; 1 where they run one after another.
    """
    found: list[tuple[int, Plan]] = []
    columns = max(16 // gates, 4)
    while columns <= 64 and (columns < 2 * size or not found):
        found += _candidates(batch, heads, size, depth, gates, itemsize, processors, columns)
        columns *= 2
    return min(found, key=lambda each: each[0])[1]


def _candidates(
    batch: int,
    heads: int,
    size: int,
    depth: int,
    gates: int,
    itemsize: int,
    processors: int,
    columns: int,
) -> list[tuple[int, Plan]]:
    """Return a plan for this many columns, with the bytes that a program reads in all steps."""
    members = -(-size // columns)
    at_once = max(processors // (members * heads), 1)  # teams of rows
    share = min(-(-batch // at_once), ROWS)
    blocks = -(-batch // share)
    rows = max(_power(share), 16)
    persistent = members == 1 or members * heads <= processors
    # teams of one program wait for nobody, and need no place at once
    teams = blocks if members == 1 or not persistent else min(blocks, at_once)
    split = 1 if rows >= 64 else min(max(128 // (columns * gates), 1), max(_power(depth) // 16, 1))
    part = max(_power(depth) // split, 16)
    parts = 2 if itemsize == 4 else 1  # float32 lies there as two numbers
    held = split * part * itemsize * (columns * gates * parts + rows)
    resident = persistent and held <= SHARED
    read = share * depth * itemsize
    if resident:
        read += held // NEAR
    else:
        read += depth * columns * gates * itemsize
        split, part = 1, 64
    waves = -(-blocks * members * heads // processors)
    cost = waves * (STEP * (members > 1) + read) * (1 if persistent else 2)
    warps = 8 if resident or rows == ROWS else 4
    made = Plan(rows, share, teams, columns, members, persistent, resident, split, part, warps)
    return [(cost, made)]


def _power(number: int) -> int:
    """Return the next power of 2."""
    return 1 << (number - 1).bit_length()


def processors(device: torch.device) -> int:
    """Return how many programs surely run at once: one on each; in the interpreter, one in all."""
    if device.type != "cuda":
        return 1
    return int(torch.cuda.get_device_properties(device).multi_processor_count)
