"""Milliseconds by a device's own clock: contenders in turn, and the medians of their blocks."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch

Run = Callable[[], Any]
BLOCK = 5.0  # least milliseconds of a block
ROUNDS = 7


def once(run: Run, device: torch.device) -> float:
    """Return the seconds of a run by the clock on the wall, all that it started included."""
    wait(device)
    began = time.perf_counter()
    run()
    wait(device)
    return time.perf_counter() - began


def wait(device: torch.device) -> None:
    """Wait for all that a device was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def block(run: Run, count: int, device: torch.device) -> float:
    """Return the milliseconds of one of `count` runs, by CUDA's events where they are."""
    if device.type != "cuda":
        return 1e3 * once(lambda: [run() for _ in range(count)], device) / count
    # torch gives events no types
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
    start.record()
    for _ in range(count):
        run()
    end.record()
    wait(device)
    return float(start.elapsed_time(end)) / count


def medians(runs: Mapping[str, Run], device: torch.device, seconds: float) -> dict[str, float]:
    """Return the median milliseconds of each, warmed up; no round begins after `seconds`."""
    began = time.perf_counter()
    first = {name: min(block(run, 1, device) for _ in range(2)) for name, run in runs.items()}
    found: dict[str, list[float]] = {name: [] for name in runs}
    for done in range(ROUNDS):
        if done and time.perf_counter() - began > seconds:
            break
        for name, run in runs.items():
            count = max(1, min(100, int(BLOCK / max(first[name], 1e-3))))
            found[name].append(block(run, count, device))
    return {name: statistics.median(times) for name, times in found.items()}
