"""How long is one step of a stream, from Python, against torch.nn and ONNX Runtime?"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from recurra.benchmarks.contest import TOLERANCE, Target, leave_out
from recurra.benchmarks.peers import onnx_runtime
from recurra.benchmarks.question import Question, Settings, Skipped
from recurra.benchmarks.results import Row
from recurra.benchmarks.timing import race
from recurra.cells import GRU, LSTM, Cell, Elman
from recurra.errors import RecurraError
from recurra.layers import Recurrent, to_torch
from recurra.streaming import Stream

TORCH, ONNX = "torch.nn", "ONNX Runtime"
SINGLE = {
    64: {TORCH: Target(25.0, 60.0), ONNX: Target(3.0, 5.0)},
    128: {TORCH: Target(12.0, 20.0), ONNX: Target(2.0, 2.5)},
    256: {TORCH: Target(7.0, 10.0), ONNX: Target(1.4, 1.7)},
}
MANY = {TORCH: Target(2.0, 3.0), ONNX: Target(1.2, 1.5)}
STEPS = 20  # that are compared with float64

Step = Callable[[], Tensor]  # one step on the same x, the state going on; returns y


def ours(cell: Cell[Any], x: Tensor, threads: int, weights: str = "float32") -> Step:
    """Return a step of recurra's stream, its output in memory of the caller's.

    Raises:
        Skipped: the native library does not step this cell here.
    """
    stream = Stream(cell, len(x), weights=weights, threads=threads)
    if stream.engine != "native":
        raise Skipped(f"a stream of {type(cell).__name__} is not native here: {stream.reason}")
    y = torch.empty(len(x), cell.output_size)
    step = stream.step

    def run() -> Tensor:
        step(x, out=y)
        return y

    return run


def by_torch(cell: Cell[Any], x: Tensor) -> Step:
    """Return a step of torch.nn's layer."""
    module = to_torch(Recurrent(cell)).eval()
    frame, state = x[:, None].contiguous(), None

    def run() -> Tensor:
        nonlocal state
        with torch.inference_mode():
            y, state = module(frame, state)
        first: Tensor = y[:, 0]
        return first

    return run


def check(cell: Cell[Any], x: Tensor, step: Step) -> float:
    """Return the largest difference of some steps from float64, as a share of the largest."""
    double, state, worst = copy.deepcopy(cell).double(), None, 0.0
    with torch.no_grad():
        for _ in range(STEPS):
            want, state = double(x.double(), state)
            worst = max(worst, ((step() - want).abs().max() / want.abs().max()).item())
    return worst


def compare(
    kind: type[Cell[Any]],
    shape: tuple[int, int],
    threads: int,
    targets: Mapping[str, Target],
    settings: Settings,
    part: str,
) -> Iterator[Row]:
    """Yield a row per peer."""
    torch.manual_seed(0)
    torch.set_num_threads(threads)
    batch, hidden = shape
    cell, x = kind(hidden, hidden), torch.randn(batch, hidden)
    steps: dict[str, Step] = {"recurra": ours(cell, x, threads), TORCH: by_torch(cell, x)}
    if find_spec("onnx") and find_spec("onnxruntime"):
        steps[ONNX] = onnx_runtime.stepping(cell, x, threads)
    else:
        leave_out(f"{ONNX} is left out: onnx or onnxruntime is not installed")
    errors = {name: check(cell, x, step) for name, step in steps.items()}
    trust(errors["recurra"], "recurra's step")
    timing = race(steps, settings.pace(3.0))
    for peer in list(steps)[1:]:
        target = targets.get(peer, Target())
        yield Row(
            question="streaming",
            part=part,
            cell=kind.__name__,
            shape=(batch, 1, hidden, hidden),
            threads=threads,
            engine="native stream",
            peer=peer,
            ratio=timing.median(peer) / timing.median("recurra"),
            spread=timing.spread("recurra", peer),
            ours_ms=1e3 * timing.median("recurra"),
            peer_ms=1e3 * timing.median(peer),
            must=target.must,
            aim=target.aim,
            error=errors["recurra"],
            peer_error=errors[peer],
        )


def trust(error: float, whose: str) -> None:
    """Refuse to time an answer that is wrong.

    Raises:
        RecurraError: it is.
    """
    if not error <= TOLERANCE:
        raise RecurraError(f"{whose} is off by {error:.1e}; {TOLERANCE:.0e} is allowed")


def answer(part: str, settings: Settings) -> Iterator[Row]:
    """Yield a row per cell, width and peer."""
    if part == "many":
        shape = (3, 16) if settings.quick else (64, 128)
        yield from compare(LSTM, shape, settings.threads, MANY, settings, part)
        yield from compare(GRU, shape, settings.threads, {}, settings, part)
        return
    for threads in sorted({1, settings.threads}):
        for kind in (LSTM, GRU, Elman):
            for hidden in SINGLE if not settings.quick else (16,):
                # one thread is a stream's own choice, and what something was asked of
                asked = SINGLE.get(hidden, {}) if kind is LSTM and threads == 1 else {}
                yield from compare(kind, (1, hidden), threads, asked, settings, part)


STREAMING = Question(
    "streaming",
    "One step of a stream, from Python: of one row, and of 64 sessions together.",
    ("single", "many"),
    answer,
    2.5,
)
