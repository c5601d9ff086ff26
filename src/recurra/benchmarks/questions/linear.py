"""What do the other linear cells cost beside their own matrix products?"""

from collections.abc import Iterator

from recurra.benchmarks.contest import Contest, Target, hold
from recurra.benchmarks.job import prepare
from recurra.benchmarks.peers.packages import IND_RNN
from recurra.benchmarks.peers.projections import peers
from recurra.benchmarks.question import Question, Settings
from recurra.benchmarks.results import Row
from recurra.cells import LRU, MLSTM, RGLRU, IndRNN, MinLSTM

SHAPES = ((32, 128, 256, 256), (8, 2048, 256, 256))
TARGET = Target(1 / 1.6, 1 / 1.3)  # at most 1.6 times the products' time, better 1.3


def answer(part: str, settings: Settings) -> Iterator[Row]:
    """Yield a row per cell and shape."""
    if part == "products":
        for kind in (MinLSTM, LRU, RGLRU, MLSTM):
            for shape in SHAPES if not settings.quick else ((2, 16, 8, 8),):
                job = prepare(kind, shape)
                alone = peers()
                targets = {peer.name: TARGET for peer in alone}
                check = job.cut(8, 512)
                contest = Contest("linear", part, job, alone, targets, check=check)
                yield from hold(contest, settings.threads, settings.pace(3.0))
    else:
        job = prepare(IndRNN, (2, 16, 8, 8) if settings.quick else (32, 128, 256, 256))
        contest = Contest("linear", part, job, (IND_RNN,), {})
        yield from hold(contest, settings.threads, settings.pace(3.0))


LINEAR = Question(
    "linear",
    "A train step of MinLSTM, LRU, RGLRU, MLSTM beside its products; IndRNN, which is none.",
    ("products", "torchrecurrent"),
    answer,
    1.5,
)
