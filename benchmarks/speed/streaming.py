"""How long is one step of a stream, under recurra, torch.nn and ONNX Runtime?

Candidates run in turn, block by block, so that what else the machine does meets all of them; each
is compared with float64 before it is timed. `python -m benchmarks.speed.streaming`
"""

import argparse
import copy
import statistics
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, NamedTuple

import torch
from torch import Tensor

from benchmarks.speed.onnx_step import bound_step
from recurra import GRU, LSTM, Cell, Elman, Recurrent, Stream, to_torch, unroll

Step = Callable[[], Any]  # a tensor, or ONNX Runtime's own kind of one
Row = dict[str, Any]
NARROW = ("float16", "bfloat16", "int8")
EXACT = 2e-6  # largest difference from float64, after some steps
BLOCK = 0.003  # seconds
PAUSE = 0.02  # seconds until another one's threads no longer spin


class Settings(NamedTuple):
    blocks: int = 41
    threads: int = 2  # of many sessions; one session has one
    cells: tuple[type[Cell[Any]], ...] = (LSTM, GRU, Elman)
    widths: tuple[int, ...] = (64, 128, 256)


def own_step(cell: Cell[Any], x: Tensor, threads: int = 1, weights: str = "float32") -> Step:
    stream = Stream(cell, len(x), weights=weights, threads=threads)
    if stream.engine != "native":
        raise RuntimeError(stream.reason)
    out = torch.empty(len(x), cell.output_size)
    return lambda: stream.step(x, out=out)


def torch_step(cell: Cell[Any], x: Tensor) -> Step:
    layer, frame, state = to_torch(Recurrent(cell)).eval(), x[:, None], None

    def step() -> Tensor:
        nonlocal state
        with torch.inference_mode():
            y, state = layer(frame, state)
        return y[:, 0]

    return step


def candidates(cell: Cell[Any], x: Tensor, threads: int) -> dict[str, Step]:
    """Return a step of each that is installed, ours first."""
    steps = {"native": own_step(cell, x, threads), "torch.nn": torch_step(cell, x)}
    if find_spec("onnx") and find_spec("onnxruntime"):
        steps["ONNX Runtime"] = bound_step(cell, x, threads)
    else:
        print("ONNX Runtime is left out: onnx or onnxruntime is not installed")
    return steps


def check(cell: Cell[Any], x: Tensor, steps: dict[str, Step]) -> None:
    """Run each some steps from zero, and compare with the cell in float64."""
    times = 7
    frames = x.double()[:, None].expand(-1, times, -1)
    exact = unroll(copy.deepcopy(cell).double(), frames)[0][:, -1]
    for name, step in steps.items():
        y = [step() for _ in range(times)][-1]
        got = y if isinstance(y, Tensor) else torch.from_numpy(y.numpy())[0]
        off = (got - exact).abs().max().item()
        if not off <= EXACT:
            raise AssertionError(f"{name} is off by {off:.1e}")


def block(step: Step, count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        step()
    return (time.perf_counter() - start) / count


def measure(steps: dict[str, Step], blocks: int) -> dict[str, list[float]]:
    """Return the seconds of one step in each block."""
    counts = {}
    for name, step in steps.items():
        block(step, 20)
        counts[name] = max(1, int(BLOCK / block(step, 20)))
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(blocks):
        for name, step in steps.items():
            if torch.get_num_threads() > 1:
                time.sleep(PAUSE)
                block(step, counts[name])
            seconds[name].append(block(step, counts[name]))
    return seconds


def compare(
    question: str, cell: Cell[Any], x: Tensor, threads: int, seconds: dict[str, list[float]]
) -> list[Row]:
    """Return ours, the first, against each other one; spread: of the middle half of the ratios."""
    (ours, own), *others = seconds.items()
    rows = []
    for peer, theirs in others:
        ratio = statistics.median(theirs) / statistics.median(own)
        low, _, high = statistics.quantiles(
            [their / mine for their, mine in zip(theirs, own, strict=True)], n=4
        )
        rows.append(
            {
                "question": question,
                "cell": type(cell).__name__,
                "shape": [len(x), 1, cell.input_size, cell.hidden_size],
                "threads": threads,
                "engine": ours,
                "peer": peer,
                "ratio": ratio,
                "spread": (high - low) / ratio,
                "ours_ms": 1e3 * statistics.median(own),
                "peer_ms": 1e3 * statistics.median(theirs),
            }
        )
    return rows


def steps(
    question: str, cells: Any, widths: Any, rows: int, threads: int, blocks: int
) -> list[Row]:
    found = []
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    for kind in cells:
        for width in widths:
            cell, x = kind(width, width), torch.randn(rows, width)
            passes = candidates(cell, x, threads)
            check(cell, x, passes)
            found += compare(question, cell, x, threads, measure(passes, blocks))
    torch.set_num_threads(before)
    return found


def single(settings: Settings) -> list[Row]:
    """One stream, one frame, one thread."""
    return steps("streaming step", settings.cells, settings.widths, 1, 1, settings.blocks)


def sessions(settings: Settings) -> list[Row]:
    """64 streams stepped together."""
    question = "64 sessions stepped together"
    return steps(question, settings.cells[:2], (128,), 64, settings.threads, settings.blocks)


def narrow(settings: Settings) -> list[Row]:
    """Narrow weights against our own float32, 512 wide."""
    cell, x = LSTM(512, 512), torch.randn(1, 512)
    full = own_step(cell, x)
    check(cell, x, {"native float32": full})
    found = []
    for weights in NARROW:
        passes = {f"native {weights}": own_step(cell, x, 1, weights), "native float32": full}
        seconds = measure(passes, settings.blocks)
        found += compare("narrow weights", cell, x, 1, seconds)
    return found


def run(settings: Settings) -> list[Row]:
    """Return the rows of all questions."""
    torch.manual_seed(0)
    return [row for ask in (single, sessions, narrow) for row in ask(settings)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2, help="of many sessions")
    parser.add_argument("--blocks", type=int, default=41)
    arguments = parser.parse_args()
    for row in run(Settings(arguments.blocks, arguments.threads)):
        print(
            f"{row['question']}: {row['cell']} {row['shape']} {row['threads']} threads, "
            f"{row['engine']} {1e3 * row['ours_ms']:.2f} us, {row['peer']} "
            f"{1e3 * row['peer_ms']:.2f} us: {row['ratio']:.2f} (spread {row['spread']:.2f})"
        )


if __name__ == "__main__":
    main()
