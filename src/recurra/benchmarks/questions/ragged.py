"""What does a train step cost where lengths vary 1:8, against torch.nn packed and padded?"""

from collections.abc import Iterator

import torch

from recurra.benchmarks.contest import Contest, Target, hold
from recurra.benchmarks.job import prepare
from recurra.benchmarks.peers.torch_nn import PACKED, PADDED
from recurra.benchmarks.question import Question, Settings
from recurra.benchmarks.results import Row
from recurra.cells import GRU, LSTM, Elman

PACKING = {LSTM: Target(6.0, 12.0), GRU: Target(6.0, 9.0), Elman: Target(4.0, 6.0)}
PADDING = {LSTM: Target(2.2), GRU: Target(3.0), Elman: Target(2.5)}


def answer(part: str, settings: Settings) -> Iterator[Row]:
    """Yield a row per cell and peer."""
    batch, steps, width = (4, 16, 8) if settings.quick else (32, 256, 256)
    order = torch.randperm(batch, generator=torch.Generator().manual_seed(0))
    lengths = torch.linspace(steps // 8, steps, batch).long()[order]
    for kind in (LSTM, GRU, Elman):
        job = prepare(kind, (batch, steps, width, width), lengths=lengths)
        targets = {PACKED.name: PACKING[kind], PADDED.name: PADDING[kind]}
        note = f"lengths {steps // 8} to {steps}"
        contest = Contest("ragged", part, job, (PACKED, PADDED), targets, note=note)
        yield from hold(contest, settings.threads, settings.pace(8.0))


RAGGED = Question(
    "ragged",
    "A train step of 32 rows whose lengths vary from an eighth to the whole.",
    ("torch",),
    answer,
    1.0,
)
