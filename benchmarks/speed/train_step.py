"""How long is a forward and backward pass under each engine, and under torch.nn?

Candidates run in turn, block by block, so that what else the machine does meets all of them;
the median block is printed. `python benchmarks/speed/train_step.py --threads 2`
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from recurra.cells import GRU, LSTM, Elman, MinGRU
from recurra.cells.base import Cell
from recurra.engines import PREFERENCE, unroll

CLASSIC: dict[type[Cell[Any]], type[nn.RNNBase]] = {LSTM: nn.LSTM, GRU: nn.GRU, Elman: nn.RNN}
SHAPES = [(32, 256, 256, 256), (32, 128, 128, 128), (1, 512, 128, 128)]
LONG = [(32, 128, 256, 256), (8, 2048, 256, 256)]
BLOCK = 0.1  # seconds
SLOW = 3.0  # seconds of a pass that is not repeated

Pass = Callable[[], object]


def by_engine(cell: Cell[Any], x: Tensor, lengths: Tensor | None, name: str, train: bool) -> Pass:
    grad = torch.randn(len(x), x.shape[1], cell.output_size)
    sources = [x, *cell.parameters()]

    def run() -> object:
        with torch.set_grad_enabled(train):
            y, _ = unroll(cell, x, lengths=lengths, engine=name)
        return torch.autograd.grad(y, sources, grad) if train else y

    return run


def by_torch(layer: nn.Module, x: Tensor, hidden: int, train: bool) -> Pass:
    grad = torch.randn(len(x), x.shape[1], hidden)
    sources = [x, *layer.parameters()]

    def run() -> object:
        with torch.set_grad_enabled(train):
            y, _ = layer(x)
        return torch.autograd.grad(y, sources, grad) if train else y

    return run


def candidates(kind: type[Cell[Any]], shape: tuple[int, ...], ragged: bool, train: bool) -> dict:
    batch, steps, inputs, hidden = shape
    cell, x = kind(inputs, hidden), torch.randn(batch, steps, inputs, requires_grad=train)
    lengths = None
    if ragged:
        lengths = torch.linspace(steps // 8, steps, batch).long()[torch.randperm(batch)]
    passes = {
        engine.name: by_engine(cell, x, lengths, engine.name, train)
        for engine in PREFERENCE
        if engine.refuse(cell, x) is None
    }
    layer = CLASSIC.get(kind, nn.GRU)
    passes[f"nn.{layer.__name__}"] = by_torch(
        layer(inputs, hidden, batch_first=True), x, hidden, train
    )
    return passes


def block(run: Pass, count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        run()
    return (time.perf_counter() - start) / count


def medians(passes: dict[str, Pass], blocks: int) -> dict[str, float]:
    first = {name: block(run, 1) for name, run in passes.items()}
    seconds = {name: [took] if took > SLOW else [] for name, took in first.items()}
    for _ in range(blocks):
        for name, run in passes.items():
            if first[name] <= SLOW:
                seconds[name].append(block(run, max(1, int(BLOCK / first[name]))))
    return {name: 1e3 * statistics.median(times) for name, times in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--blocks", type=int, default=7)
    parser.add_argument("--forward", action="store_true", help="without a backward pass")
    parser.add_argument("--ragged", action="store_true", help="rows from an eighth to the whole")
    parser.add_argument("--without", nargs="*", default=["loop"], help="engines left out")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    print("cell    (batch, time, input, hidden)  milliseconds, torch.nn always padded")
    for kinds, shapes in (((LSTM, GRU, Elman), SHAPES), ((MinGRU,), LONG)):
        for kind in kinds:
            for shape in shapes:
                passes = candidates(kind, shape, arguments.ragged, not arguments.forward)
                passes = {k: run for k, run in passes.items() if k not in arguments.without}
                times = medians(passes, arguments.blocks)
                text = "  ".join(f"{name} {value:8.2f}" for name, value in times.items())
                print(f"{kind.__name__:7} {shape!s:21} {text}", flush=True)


if __name__ == "__main__":
    main()
