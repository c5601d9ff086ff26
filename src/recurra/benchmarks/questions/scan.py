"""Which share of the memory's bandwidth does the scan alone reach, forward and backward?"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from recurra.benchmarks.contest import Target
from recurra.benchmarks.machine import LARGE, triad
from recurra.benchmarks.question import Question, Settings
from recurra.benchmarks.results import Row
from recurra.benchmarks.timing import race
from recurra.cells.base import Affine
from recurra.engines.native import library
from recurra.engines.native.rows import Rows
from recurra.engines.native.scan import SCANS
from recurra.engines.transition import scan_transition

SHAPES = ((32, 256, 256), (8, 2048, 256), (1, 16384, 256))
ARRAYS = 8  # forward reads decay, inject and writes h; backward reads 3 and writes 2
TARGET = Target(0.55, 0.8)


def once(decay: Tensor, inject: Tensor, grad: Tensor) -> Callable[[], object]:
    """Return a run of the scan: h, and the gradients of decay and inject."""
    batch, steps, hidden = decay.shape
    rows, initial = Rows.of(batch, steps, None), torch.zeros(batch, hidden)
    decay = decay.flatten(0, 1).requires_grad_()
    inject = inject.flatten(0, 1).requires_grad_()
    flat = grad.flatten(0, 1)

    def run() -> object:
        (h,), _ = scan_transition(SCANS, rows, Affine(decay, inject), (initial,))
        return torch.autograd.grad(h, [decay, inject], flat)

    return run


def answer(part: str, settings: Settings) -> Iterator[Row]:
    """Yield a row per shape: the time of as much traffic at the triad's bandwidth, over ours."""
    if library.missing():
        return
    size = 1024 if settings.quick else LARGE
    move, kind = triad(size)
    for batch, steps, hidden in SHAPES if not settings.quick else ((2, 16, 8),):
        decay = torch.rand(batch, steps, hidden)
        inject, grad = torch.randn_like(decay), torch.randn_like(decay)
        runs = {"scan": once(decay, inject, grad), "triad": move}
        # memory is faster after some tenths of a second: a virtual machine gives it large pages
        race(runs, settings.pace(1.0))
        timing = race(runs, settings.pace(3.0))
        ours = timing.median("scan")
        theirs = timing.median("triad") * ARRAYS * decay.numel() / (3 * size)
        yield Row(
            question="scan",
            part=part,
            cell="Affine",
            shape=(batch, steps, hidden, hidden),
            threads=settings.threads,
            engine="native",
            peer=kind,
            ratio=theirs / ours,
            spread=timing.spread("scan", "triad"),
            ours_ms=1e3 * ours,
            peer_ms=1e3 * theirs,
            must=TARGET.must,
            aim=TARGET.aim,
            note="share of bandwidth",
        )


SCAN = Question(
    "scan",
    "The affine scan alone, forward and backward, as a share of the memory's bandwidth.",
    ("triad",),
    answer,
    0.5,
)
