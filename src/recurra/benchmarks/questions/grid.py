"""Is recurra ahead of torch.nn at every batch, length and width, not only at chosen ones?"""

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from recurra.benchmarks.contest import Contest, Target, hold
from recurra.benchmarks.job import prepare
from recurra.benchmarks.peers.torch_nn import PADDED
from recurra.benchmarks.question import Question, Settings
from recurra.benchmarks.results import Row
from recurra.benchmarks.timing import Pace
from recurra.cells import GRU, LSTM, Elman

BATCHES, STEPS, WIDTHS = (1, 8, 32, 128), (32, 128, 512), (64, 128, 256, 512)
CELLS = {"lstm": LSTM, "gru": GRU, "elman": Elman}
MEANS = {"lstm": Target(1.2, 1.5), "gru": Target(2.5, 4.0), "elman": Target(2.0, 3.0)}
WORST = Target(0.95, 1.0)
PACE = Pace(budget=0.6, least=2)  # the large points take seconds: one call to warm up, and two


def answer(part: str, settings: Settings) -> Iterator[Row]:
    """Yield a row per point, then the geometric mean and the worst point."""
    points = list(product(BATCHES, STEPS, WIDTHS))
    points = [(2, 8, 5), (3, 4, 7)] if settings.quick else points
    rows = []
    for batch, steps, width in points:
        job = prepare(CELLS[part], (batch, steps, width, width))
        contest = Contest("grid", part, job, (PADDED,), {}, check=job.cut(8, 64))
        for row in hold(contest, settings.threads, settings.pace() if settings.quick else PACE):
            rows.append(row)
            yield row
    yield from summary(rows, MEANS[part], WORST)


def summary(rows: list[Row], target: Target, least: Target) -> Iterator[Row]:
    """Yield the mean and the worst of the points as two more rows, beside what is asked of each."""
    mean = math.exp(sum(math.log(row.ratio) for row in rows) / len(rows))
    of_all = replace(rows[0], shape=(), spread=None, ours_ms=None, peer_ms=None, error=None)
    yield replace(
        of_all,
        engine="automatic",
        ratio=mean,
        must=target.must,
        aim=target.aim,
        peer_error=None,
        note=f"geometric mean of {len(rows)} shapes",
    )
    worst = min(rows, key=lambda row: row.ratio)
    note = f"worst of {len(rows)} shapes"
    yield replace(worst, must=least.must, aim=least.aim, note=note)


GRID = Question(
    "grid",
    "A train step over B in {1, 8, 32, 128}, T in {32, 128, 512}, I = H in {64, 128, 256, 512}.",
    tuple(CELLS),
    answer,
    8.0,
)
