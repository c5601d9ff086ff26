"""One step after another: time against length."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import nn

from recurra.benchmarks.questions.growth import exponent
from recurra.cells import GRU, LSTM, Elman, MinGRU, MinLSTM
from recurra.engines import order
from recurra.layers import Recurrent
from recurra.limits.case import Case
from recurra.limits.experiment import Experiment
from recurra.limits.finding import Limit
from recurra.reports import Plot, Table
from recurra.reports.table import Cell

WIDTH, ROUNDS, STEPPED = 64, 3, 1024  # the loop is not timed beyond so many steps
CELLS = (Elman, LSTM, GRU, MinLSTM, MinGRU)
Train = Callable[[torch.Tensor], object]


def contenders() -> dict[str, Train]:
    """Return by name what reads a sequence, forward and backward: cells by engine, and PyTorch."""
    found = dict[str, Train]()
    for kind in CELLS:
        cell = kind(WIDTH, WIDTH)
        for engine in order(8):
            if engine.refuse(cell, torch.zeros(1, 8, WIDTH)) is None:
                layer = Recurrent(cell, engine=engine.name)
                found[f"{kind.__name__}, {engine.name}"] = trained(layer)
    for module in (nn.LSTM, nn.GRU):
        found[f"nn.{module.__name__}"] = trained(module(WIDTH, WIDTH, batch_first=True))
    return found


def trained(layer: nn.Module) -> Train:
    """Return a train step of a layer without the optimiser."""
    weights = list(layer.parameters())
    return lambda x: torch.autograd.grad(layer(x)[0].sum(), weights)


def seconds(train: Train, x: torch.Tensor, rounds: int) -> float:
    """Return the least time of some rounds, after one that is not timed."""
    least = float("inf")
    for k in range(rounds + 1):
        began = time.perf_counter()
        train(x)
        least = least if k == 0 else min(least, time.perf_counter() - began)
    return least


def run(case: Case) -> Limit:
    """Time every cell by every engine."""
    lengths = case.choose([128, 256, 512, 1024, 2048, 4096], [64, 256])
    times = dict[str, list[tuple[float, float]]]()
    torch.manual_seed(0)
    for name, train in contenders().items():
        for steps in lengths:
            if name.endswith(", loop") and steps > STEPPED:
                break
            case.progress(f"{name}, {steps} steps")
            x = torch.randn(1, steps, WIDTH)
            took = seconds(train, x, case.choose(ROUNDS, 1))
            times.setdefault(name, []).append((float(steps), 1e3 * took))
    rows: list[list[Cell]] = [
        [name, int(line[-1][0]), line[-1][1], 1e3 * line[-1][1] / line[-1][0], grown(line)]
        for name, line in times.items()
    ]
    last = {name: 1e3 * line[-1][1] / line[-1][0] for name, line in times.items()}
    loop, fused, scan = (last[name] for name in ("GRU, loop", "nn.GRU", fastest(last, "MinGRU")))
    return Limit(
        name=EXPERIMENT.name,
        kind=EXPERIMENT.kind,
        title=EXPERIMENT.title,
        fails="A step needs the one before, so time grows with the length, and a processor that "
        "could do many steps at once waits.",
        cure="a cell whose state moves linearly (MinGRU, MinLSTM, LRU, RGLRU, MLSTM), scanned in "
        "parallel; recurra's native kernels for the others",
        verdict=f"Microseconds a step at the longest length: a GRU step by step {loop:.3g}, "
        f"nn.GRU {fused:.3g}, MinGRU {scan:.3g}.",
        measured=f"Forward and backward of one row, width {WIDTH}, {case.threads} threads; the "
        "least of some rounds. The exponent p of time ∝ stepsᵖ is fitted over the longer half. "
        f"The loop in Python is timed up to {STEPPED:,} steps.",
        plots=(
            Plot(
                "Time of a train step against length",
                times,
                "steps of the sequence",
                "forward and backward, milliseconds",
                log=True,
                log_across=True,
            ),
        ),
        tables=(Table("Times", ["cell, engine", "steps", "ms", "µs a step", "exponent"], rows),),
    )


def grown(line: list[tuple[float, float]]) -> float:
    """Return the exponent of growth over the longer half of the lengths."""
    half = line[-max(2, len(line) // 2) :]
    return exponent([int(steps) for steps, _ in half], [took for _, took in half])


def fastest(last: dict[str, float], cell: str) -> str:
    """Return the name of a cell's fastest contender."""
    return min((name for name in last if name.startswith(f"{cell},")), key=last.__getitem__)


EXPERIMENT = Experiment("slow", "weakness", "Slow, because recurrent", 20, 5, run)
