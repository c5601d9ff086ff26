"""Which engine is fastest here: candidates in turn, and the medians of their times."""

import statistics
import warnings
from collections.abc import Callable, Iterable
from functools import partial
from itertools import chain, product
from time import perf_counter
from typing import Any, NamedTuple

import torch

from recurra.cells import CELLS
from recurra.cells.base import Cell
from recurra.engines import order, unroll
from recurra.engines.native.library import multiplies_bfloat16
from recurra.engines.table import MODES, Shape, Table, gpu, here
from recurra.engines.vendor import KERNELS

Passes = dict[str, Callable[[], object]]  # engine → one pass over a sequence

GAIN = 0.95  # share of the preferred engine's time that another must stay below
HOPELESS = 3.0  # times the fastest's first passes from which a candidate is not run again
LARGE = 2**20  # numbers of the outputs; more are slow to measure and choose like the nearest
LARGE_ON_CUDA = 2**24
LONG = 64  # steps from which `loop` is not measured beside another
BLOCK = 2e-3  # seconds of a block of passes, at least
FEWEST, MOST = 3, 15  # blocks of a candidate

QUICK = tuple(product((1, 32), (2, 64), (128,)))
USUAL = tuple(product((1, 8, 64), (2, 16, 128), (64, 256)))
THOROUGH = tuple(product((1, 8, 32, 128), (2, 8, 32, 128, 512), (32, 64, 128, 256, 512)))

QUICK_ON_CUDA = tuple(product((32,), (64, 512), (256,)))
USUAL_ON_CUDA = tuple(product((8, 64), (16, 256), (256, 768)))

CPU = torch.device("cpu")


class Question(NamedTuple):
    """A cell at a shape, in a mode of `MODES`: "train" is forward and backward."""

    kind: type[Cell[Any]]
    mode: str
    shape: Shape


def questions(shapes: Iterable[Shape], device: torch.device = CPU) -> list[Question]:
    """Return all that is to be measured at these shapes, without the largest.

    In bfloat16 others than native are a choice for what torch.nn has, where native multiplies it.
    """
    if device.type == "cuda":
        fit = [shape for shape in shapes if shape[0] * shape[1] * shape[2] <= LARGE_ON_CUDA]
        return [Question(*parts) for parts in product(CELLS, MODES, fit)]
    fit = [shape for shape in shapes if shape[0] * shape[1] * shape[2] <= LARGE]
    wide, narrow = MODES[:2], MODES[2:] if multiplies_bfloat16() else ()
    short = [kind for kind in CELLS if kind in KERNELS]
    asked = chain(product(CELLS, wide, fit), product(short, narrow, fit))
    return [Question(*parts) for parts in asked]


def synchronized() -> float:
    """Tell the time when the GPU has done all that it was given."""
    torch.cuda.synchronize()
    return perf_counter()


def measure(
    asked: Iterable[Question],
    seconds: float = 0.25,
    timer: Callable[[], float] | None = None,
    device: torch.device = CPU,
) -> Table:
    """Return what is fastest on this device, a CPU with the number of threads that torch has.

    Args:
        asked: the questions, perhaps with a progress bar around them.
        seconds: that a question may take; where three blocks take longer, up to ten times as many.
        timer: tells the time; None: one that waits for the device.
        device: where.
    """
    timer = timer or (synchronized if device.type == "cuda" else perf_counter)
    shapes, faster = set(), {}
    for question in asked:
        shapes.add(question.shape)
        preferred, *others = candidates = passes(question, device)
        if not others:
            continue
        candidates = able(question, candidates, timer) if device.type == "cuda" else candidates
        times = medians(candidates, seconds, timer) if candidates else {preferred: 0.0}
        winner = min(times, key=times.__getitem__)
        if times[winner] < GAIN * times.get(preferred, torch.inf):
            faster[question.kind.__name__, question.mode, question.shape] = winner
    return Table(*here(torch.get_num_threads(), gpu(device)), tuple(sorted(shapes)), faster)


def able(question: Question, candidates: Passes, timer: Callable[[], float]) -> Passes:
    """Return the candidates that do not fail at a first pass, with a warning of those that do."""
    found = {}
    for name, run in candidates.items():
        try:
            run()
            timer()  # an error of a kernel comes to light when it is waited for
        # a kernel may fail to compile or run on a new GPU with any error: it is no candidate there
        except Exception as error:
            text = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            warnings.warn(f"{name} failed on {question}: {text}", stacklevel=2)
        else:
            found[name] = run
    return found


def passes(question: Question, device: torch.device = CPU) -> Passes:
    """Return one pass by each engine that takes the cell, in the order of preference."""
    kind, mode, (batch, time, width) = question
    cell, train, narrow = kind(width, width).to(device), "train" in mode, "bfloat16" in mode
    x = torch.randn(batch, time, width, requires_grad=train, device=device)
    sources, grad = [x, *cell.parameters()], torch.randn(batch, time, width, device=device)
    place = device.type

    def one(name: str) -> object:
        with torch.set_grad_enabled(train), torch.autocast(place, torch.bfloat16, enabled=narrow):
            y, _ = unroll(cell, x, engine=name)
        return torch.autograd.grad(y, sources, grad, allow_unused=True) if train else y

    names = [engine.name for engine in order(time, place) if engine.refuse(cell, x) is None]
    if time > LONG and len(names) > 1:
        names.remove("loop")
    return {name: partial(one, name) for name in names}


def medians(candidates: Passes, seconds: float, timer: Callable[[], float]) -> dict[str, float]:
    """Return the median seconds of one pass; of the hopelessly slow, the faster of two.

    Blocks of passes take turns, so that whatever else the machine does meets all candidates.
    """

    def block(name: str, count: int = 1) -> float:
        start = timer()
        for _ in range(count):
            candidates[name]()
        return (timer() - start) / count

    began = timer()
    # the first pass also pays for memory and plans, and may meet any other program: two of them
    found = {name: [min(block(name), block(name))] for name in candidates}
    most = HOPELESS * min(times[0] for times in found.values())
    live = {
        name: max(1, int(BLOCK / max(first, 1e-7)))
        for name, (first,) in found.items()
        if first <= most
    }
    for turn in range(MOST if len(live) > 1 else 0):
        if timer() - began > (seconds if turn >= FEWEST else 10 * seconds):
            break
        for name, count in live.items():
            found[name].append(block(name, count))
    return {name: statistics.median(times[1:] or times) for name, times in found.items()}
