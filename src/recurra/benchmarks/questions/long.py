"""What does training on one long sequence need, with a graph of all of it and without?"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch

from recurra.benchmarks.long import step_of
from recurra.benchmarks.question import Question, Settings
from recurra.benchmarks.results import Row
from recurra.benchmarks.timing import race
from recurra.cells import GRU, LSTM, Cell, MinGRU
from recurra.engines import choose

CELLS: dict[str, Callable[[int, int], Cell[Any]]] = {"mingru": MinGRU, "lstm": LSTM, "gru": GRU}
STEPS, WIDTH = (4096, 16384, 65536), 256
WAYS = ("plain", "chunks")
SMALLER, LONGER = 10.0, 1.5  # at the longest: memory by so much, for at most so much time


def answer(part: str, settings: Settings) -> Iterator[Row]:
    """Yield a row of memory and one of time for each length."""
    kind, name = CELLS[part], type(CELLS[part](1, 1)).__name__
    lengths, width = ((2048,), 8) if settings.quick else (STEPS, WIDTH)
    for steps in lengths:
        last = steps == STEPS[-1] and not settings.quick
        engine = choose(kind(width, width), torch.zeros(1, 8, width)).name
        row = partial(
            Row,
            question="long",
            part=part,
            cell=name,
            shape=(1, steps, width, width),
            threads=settings.threads,
            engine=engine,
            peer="recurra, a graph of all",
        )
        plain, ours = (peak(name, way, steps, width, settings) for way in WAYS)
        yield row(
            ratio=plain / max(ours, 1.0),
            must=SMALLER if last else None,
            note=f"peak memory of a train step: {ours:.0f} MB, of all at once {plain:.0f} MB",
        )
        runs = {way: step_of(name, way, steps, width) for way in WAYS}
        timing = race(runs, settings.pace(5.0))
        seconds = {way: timing.median(way) for way in WAYS}
        yield row(
            ratio=seconds["plain"] / seconds["chunks"],
            spread=timing.spread("chunks", "plain"),
            ours_ms=1e3 * seconds["chunks"],
            peer_ms=1e3 * seconds["plain"],
            must=1 / LONGER if last else None,
            note="time of a train step",
        )


def peak(cell: str, way: str, steps: int, width: int, settings: Settings) -> float:
    """Return the megabytes that a train step adds to a fresh process at its peak."""
    numbers = (str(number) for number in (settings.threads, steps, width))
    command = [sys.executable, "-m", "recurra.benchmarks.long", cell, way, *numbers]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout.splitlines()[-1]))


LONG = Question(
    "long",
    "Peak memory and time of a train step on up to 65,536 steps, by step_losses.",
    tuple(CELLS),
    answer,
    3.0,
)
