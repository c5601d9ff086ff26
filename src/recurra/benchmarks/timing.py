"""How long things take beside each other: interleaved blocks, medians, and their spread."""

from __future__ import annotations

import gc
import math
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

Run = Callable[[], object]

WAITED = 0.02  # share of a block that its threads may have waited for a CPU, and it still counts
SETTLED = 0.1  # seconds of a run up to which each block begins with one that is not timed
PAUSE = 0.02  # seconds after which threads of the contender before spin no more
TASKS = Path("/proc/self/task")


class Pace(NamedTuple):
    """How much is measured.

    Args:
        block: least seconds of a block.
        budget: seconds after which no round begins, once there are `least` of them.
        least: rounds at least.
        most: rounds at most.
    """

    block: float = 0.005
    budget: float = 2.0
    least: int = 3
    most: int = 31


class Block(NamedTuple):
    """Seconds of one run, and the share of the block that threads waited for a CPU."""

    seconds: float
    waited: float


class Timing(NamedTuple):
    """The blocks of each contender, round by round."""

    blocks: dict[str, list[Block]]

    def median(self, name: str) -> float:
        """Return the median of the blocks that count, in seconds."""
        return statistics.median(block.seconds for block in self.counted(name))

    def counted(self, name: str) -> list[Block]:
        """Return the blocks in which nobody else had the CPU; all, where those are too few.

        Some libraries have more threads than there are CPUs, and always wait for themselves.
        """
        every = self.blocks[name]
        clean = [block for block in every if block.waited <= WAITED]
        return clean if len(clean) >= max(2, len(every) // 3) else every

    def spread(self, ours: str, peer: str) -> float | None:
        """Return the quartiles' distance of the rounds' ratios, as a share of their median."""
        pairs = list(zip(self.blocks[ours], self.blocks[peer], strict=True))
        clean = [pair for pair in pairs if max(pair[0].waited, pair[1].waited) <= WAITED]
        pairs = clean if len(clean) >= max(2, len(pairs) // 3) else pairs
        if len(pairs) < 2:
            return None
        ratios = [b.seconds / a.seconds for a, b in pairs]
        low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
        return (high - low) / middle


def run_delay() -> float:
    """Return the seconds that this process's threads have waited for a CPU; 0 where unknown."""
    total = 0
    for task in TASKS.glob("*/schedstat"):
        try:
            total += int(task.read_text().split()[1])
        except (OSError, IndexError, ValueError):  # the thread has ended meanwhile
            continue
    return total / 1e9


def race(
    runs: Mapping[str, Run],
    pace: Pace,
    clock: Callable[[], float] = time.perf_counter,
    delay: Callable[[], float] = run_delay,
    sleep: Callable[[float], object] = time.sleep,
) -> Timing:
    """Time contenders in turn, block by block, so that what else the machine does meets them all.

    Each is called once before, which also warms it up. Before a block of a short run there is a
    pause, and the same block without the clock: caches and thread pools are its own again by then.
    """

    def block(run: Run, count: int) -> Block:
        before = delay()
        start = clock()
        for _ in range(count):
            run()
        took = clock() - start
        return Block(took / count, (delay() - before) / took if took > 0 else 0.0)

    first = {name: block(run, 1).seconds for name, run in runs.items()}
    for name, run in runs.items():
        if first[name] < SETTLED:  # the first call has compiled and allocated
            first[name] = block(run, 1).seconds
    blocks: dict[str, list[Block]] = {name: [] for name in runs}
    gc.collect()
    gc.disable()
    try:
        began = clock()
        for done in range(pace.most):
            if done >= pace.least and clock() - began > pace.budget:
                break
            for name, run in runs.items():
                count = max(1, math.ceil(pace.block / max(first[name], 1e-9)))
                if first[name] < SETTLED:
                    sleep(PAUSE)
                    block(run, count)
                blocks[name].append(block(run, count))
    finally:
        gc.enable()
    return Timing(blocks)
