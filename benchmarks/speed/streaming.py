"""How long is one step of a stream, under recurra, torch.nn and ONNX Runtime?

Candidates run in turn, block by block, so that what else the machine does meets all of them.
`python benchmarks/speed/streaming.py` prints a row per question and peer.
"""

import copy
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from recurra import Cell, Recurrent, Stream, to_torch, unroll

Step = Callable[[], object]
Row = dict[str, Any]
EXACT = 2e-6  # largest difference from float64, after some steps
BLOCK = 0.003  # seconds


def own_step(cell: Cell[Any], x: Tensor, weights: str, threads: int, sessions: bool) -> Step:
    stream = Stream(cell, len(x), weights=weights, threads=threads)
    out = torch.empty(len(x), cell.output_size)
    return lambda: stream.step(x, out=out)


def torch_step(cell: Cell[Any], x: Tensor) -> Step:
    layer, frame = to_torch(Recurrent(cell)).eval(), x[:, None]
    state: Any = None

    def step() -> Tensor:
        nonlocal state
        y, state = layer(frame, state)
        return y[:, 0]

    def in_inference() -> Tensor:
        with torch.inference_mode():
            return step()

    return in_inference


def check(cell: Cell[Any], x: Tensor, steps: dict[str, Step]) -> None:
    """Run each candidate some steps from zero, and compare with the cell in float64."""
    time = 7
    exact, _ = unroll(copy.deepcopy(cell).double(), x.double()[:, None].expand(-1, time, -1))
    for name, step in steps.items():
        for _ in range(time):
            y = step()
        got = y if isinstance(y, Tensor) else torch.from_numpy(y.numpy())[0]
        off = (got - exact[:, -1]).abs().max().item()
        if off > EXACT:
            raise AssertionError(f"{name} is off by {off:.1e}")


def block(step: Step, count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        step()
    return (time.perf_counter() - start) / count


def medians(steps: dict[str, Step], blocks: int) -> dict[str, list[float]]:
    counts = {}
    for name, step in steps.items():
        block(step, 20)
        counts[name] = max(1, int(BLOCK / block(step, 20)))
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(blocks):
        for name, step in steps.items():
            seconds[name].append(block(step, counts[name]))
    return seconds
