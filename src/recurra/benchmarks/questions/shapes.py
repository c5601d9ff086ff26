"""Is an LSTM ahead of torch.nn at common shapes, small and large, with and without gradients?"""

from collections.abc import Iterator
from itertools import product

from recurra.benchmarks.contest import Contest, Target, hold
from recurra.benchmarks.job import prepare
from recurra.benchmarks.peers.torch_nn import PADDED
from recurra.benchmarks.question import Question, Settings
from recurra.benchmarks.questions import grid
from recurra.benchmarks.results import Row
from recurra.cells import LSTM

ELEVEN = (
    (1, 8, 64),
    (1, 32, 64),
    (1, 512, 128),
    (8, 32, 256),
    (8, 128, 512),
    (16, 100, 200),
    (32, 8, 256),
    (32, 128, 128),
    (32, 256, 256),
    (64, 50, 128),
    (128, 64, 64),
)
MEAN, WORST = Target(1.25, 1.5), Target(0.97, 1.05)


def answer(part: str, settings: Settings) -> Iterator[Row]:
    """Yield a row per shape, then the geometric mean and the worst shape."""
    eleven = part.startswith("eleven")
    shapes = ELEVEN if eleven else tuple(product(grid.BATCHES, grid.STEPS, grid.WIDTHS))
    if settings.quick:
        shapes = (2, 8, 5), (3, 4, 7)
    pace = settings.pace(1.5) if eleven or settings.quick else grid.PACE
    rows = []
    for batch, steps, width in shapes:
        job = prepare(LSTM, (batch, steps, width, width), train=part.endswith("train"))
        contest = Contest("shapes", part, job, (PADDED,), {}, check=job.cut(8, 64))
        for row in hold(contest, settings.threads, pace):
            rows.append(row)
            yield row
    yield from grid.summary(rows, MEAN, WORST)


SHAPES = Question(
    "shapes",
    "An LSTM of the automatic choice at eleven common shapes, with and without gradients, and over "
    "the grid without.",
    ("eleven, train", "eleven, forward", "grid, forward"),
    answer,
    3.0,
)
