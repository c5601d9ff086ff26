"""Does time grow linearly with the sequence, and is the memory's peak no more than torch's?"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator

from recurra.benchmarks.contest import Target
from recurra.benchmarks.job import prepare, recurra
from recurra.benchmarks.question import Question, Settings
from recurra.benchmarks.results import Row
from recurra.benchmarks.timing import race
from recurra.cells import GRU, LSTM, Elman, MinGRU

CELLS = (LSTM, GRU, Elman, MinGRU)
STEPS = tuple(2**k for k in range(10, 18))  # 1,024 to 131,072
EXPONENT = 1.05
LARGE = (16, 2048, 256, 256)


def exponent(steps: list[int], seconds: list[float]) -> float:
    """Return p of seconds ∝ stepsᵖ by least squares over logarithms."""
    x, y = [math.log(n) for n in steps], [math.log(s) for s in seconds]
    mx, my = sum(x) / len(x), sum(y) / len(y)
    across = sum((a - mx) * (b - my) for a, b in zip(x, y, strict=True))
    return across / sum((a - mx) ** 2 for a in x)


def answer(part: str, settings: Settings) -> Iterator[Row]:
    """Yield rows about time, or about memory."""
    yield from time(settings) if part == "time" else memory(settings)


def time(settings: Settings) -> Iterator[Row]:
    """Yield a row per cell and length beside linear growth from the first, and the exponent."""
    steps = [16, 32, 64] if settings.quick else list(STEPS)
    for kind in CELLS:
        seconds, engine = [], ""
        for count in steps:
            job = prepare(kind, (1, count, 64, 64))
            engine = job.engine()
            timing = race({"recurra": recurra(job).run}, settings.pace(1.0))
            seconds.append(timing.median("recurra"))
            linear = seconds[0] * count / steps[0]
            yield Row(
                question="growth",
                part="time",
                cell=kind.__name__,
                shape=job.shape,
                threads=settings.threads,
                engine=engine,
                peer=f"its {steps[0]} steps, as often",
                ratio=linear / seconds[-1],
                ours_ms=1e3 * seconds[-1],
                peer_ms=1e3 * linear,
            )
        found = exponent(steps, seconds)
        yield Row(
            question="growth",
            part="time",
            cell=kind.__name__,
            shape=(),
            threads=settings.threads,
            engine=engine,
            peer=f"limit {EXPONENT}",
            ratio=EXPONENT / max(found, 0.1),  # less is no growth, or noise
            must=1.0,
            note=f"exponent {found:.3f} from {steps[0]:,} to {steps[-1]:,} steps",
        )


def memory(settings: Settings) -> Iterator[Row]:
    """Yield a row per cell: the peak that a train step adds, in a process of its own."""
    shape = (2, 16, 8, 8) if settings.quick else LARGE
    for kind in CELLS:
        mine = peak(kind.__name__, "recurra", shape, settings.threads)
        other = peak(kind.__name__, "torch.nn", shape, settings.threads)
        yield Row(
            question="growth",
            part="memory",
            cell=kind.__name__,
            shape=shape,
            threads=settings.threads,
            engine=prepare(kind, (1, 8, 8, 8)).engine(),
            peer="nn.GRU" if kind is MinGRU else "torch.nn",
            ratio=other / max(mine, 1.0),
            must=None if settings.quick else Target(1.0).must,
            note=f"peak memory of a train step: {mine:.0f} MB, torch's {other:.0f} MB",
        )


def peak(cell: str, side: str, shape: tuple[int, ...], threads: int) -> float:
    """Return the megabytes that a train step adds to a fresh process at its peak."""
    command = [sys.executable, "-m", "recurra.benchmarks.memory", cell, side, str(threads)]
    done = subprocess.run([*command, *map(str, shape)], capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout.splitlines()[-1]))


GROWTH = Question(
    "growth",
    "Time from 1,024 to 131,072 steps, and the peak of memory beside torch's.",
    ("time", "memory"),
    answer,
    2.0,
)
