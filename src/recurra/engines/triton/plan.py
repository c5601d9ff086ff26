"""How a launch of the recurrent kernels is cut into programs."""

from functools import lru_cache
from typing import NamedTuple

import torch

ROWS = 64  # of a team at most: its sums lie in registers
REST = 27 * 1024  # bytes of shared memory for other things than U and the numbers of rows
STAGES = 4  # parts of U on their way, where it is read at each step
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


class Chip(NamedTuple):
    """How many programs run at once, and the bytes of shared memory that each has."""

    processors: int
    shared: int


@lru_cache(maxsize=1024)
def plan(
    batch: int, heads: int, size: int, depth: int, gates: int, itemsize: int, chip: Chip
) -> Plan:
    """Return the plan that reads the fewest bytes in each step.

    Args:
        batch: rows.
        heads: parts of the state that do not see each other.
        size: columns of a head.
        depth: numbers that a row's product with U sums.
        gates: of a column side by side in a product: 1 or 4.
        itemsize: bytes of a number of U.
        chip: where it runs.
    """
    widths = [max(16 // gates, 4)]
    while widths[-1] < min(size, 64):
        widths.append(2 * widths[-1])
    plans = [_of_columns(batch, heads, size, depth, gates, itemsize, chip, n) for n in widths]
    return min(plans, key=lambda each: each[0])[1]


def _of_columns(
    batch: int,
    heads: int,
    size: int,
    depth: int,
    gates: int,
    itemsize: int,
    chip: Chip,
    columns: int,
) -> tuple[int, Plan]:
    """Return the plan for so many columns of a program, and the bytes that one reads in a step."""
    members = -(-size // columns)
    at_once = max(chip.processors // (members * heads), 1)  # teams of rows
    share = min(-(-batch // at_once), ROWS)
    blocks = -(-batch // share)
    rows = max(_power(share), 16)
    persistent = members == 1 or members * heads <= chip.processors
    # teams of one program wait for nobody, and need no place at once
    teams = blocks if members == 1 or not persistent else min(blocks, at_once)
    split = 1 if rows >= 64 else min(max(128 // (columns * gates), 1), max(_power(depth) // 16, 1))
    part = max(_power(depth) // split, 16)
    parts = 2 if itemsize == 4 else 1  # float32 lies there as two numbers
    held = split * part * itemsize * (columns * gates * parts + rows)
    room = chip.shared - REST
    resident = persistent and held <= room
    read = share * depth * itemsize
    if resident:
        read += held // NEAR
    else:
        read += depth * columns * gates * itemsize
        split, part = 1, 64
        while part > 16 and STAGES * part * itemsize * (columns * gates + rows) > room:
            part //= 2
    waves = -(-blocks * members * heads // chip.processors)
    cost = waves * (STEP * (members > 1) + read) * (1 if persistent else 2)
    warps = 8 if resident or rows == ROWS else 4
    return cost, Plan(
        rows, share, teams, columns, members, persistent, resident, split, part, warps
    )


def _power(number: int) -> int:
    """Return the next power of 2."""
    return 1 << (number - 1).bit_length()


def chip(device: torch.device) -> Chip:
    """Return what a device has; in the interpreter, programs run one after another."""
    if device.type != "cuda":
        return Chip(1, 227 * 1024)
    from triton.runtime import driver

    has = driver.active.utils.get_device_properties(device.index)
    return Chip(has["multiprocessor_count"], has["max_shared_mem"])
