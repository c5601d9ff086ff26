"""How long is a train step of a MinGRU layer, and how exact is its gradient in the end?"""

from collections.abc import Iterator
from typing import Any

import torch

from recurra.benchmarks.contest import Contest, Peer, Target, hold
from recurra.benchmarks.job import Job, error, exact, prepare, recurra
from recurra.benchmarks.peers import jax_scan, packages, torch_nn
from recurra.benchmarks.question import Question, Settings
from recurra.benchmarks.results import Row
from recurra.cells import MinGRU

SHAPES = ((32, 128, 256, 256), (8, 2048, 256, 256), (1, 16384, 256, 256))
OTHERS = {
    packages.MIN_GRU.name: Target(4.0, 6.0),
    packages.MIN_GRU_COMPILED.name: Target(4.0, 6.0),
    jax_scan.SCANNED.name: Target(2.0, 3.0),
    jax_scan.ASSOCIATIVE.name: Target(2.0, 3.0),
}
OF_GRU = {128: Target(4.0, 5.0), 2048: Target(9.0, 12.0), 16384: Target(45.0, 60.0)}
PEERS: dict[str, tuple[Peer, ...]] = {
    "torch": (torch_nn.GRU, packages.MIN_GRU),
    "compile": (packages.MIN_GRU_COMPILED,),
    "jax": (jax_scan.SCANNED, jax_scan.ASSOCIATIVE),
    "gradient": (packages.MIN_GRU,),
}
LIMIT = 1e-6  # of the gradient's error


def without_bias(inputs: int, hidden: int) -> MinGRU:
    """Return a MinGRU that computes what minGRU-pytorch's layer does, which has no bias."""
    cell = MinGRU(inputs, hidden)
    cell.bias.detach().zero_()
    return cell


def slow(inputs: int, hidden: int) -> MinGRU:
    """Return a MinGRU that remembers for up to 1,000 steps."""
    return MinGRU(inputs, hidden, time_scale=1000)


def answer(part: str, settings: Settings) -> Iterator[Row]:
    """Yield a row per length and peer."""
    if part == "gradient":
        yield from gradient(settings)
        return
    for shape in SHAPES if not settings.quick else ((2, 32, 8, 8),):
        job = prepare(without_bias, shape)
        targets = OTHERS | {torch_nn.GRU.name: OF_GRU.get(shape[1], Target())}
        contest = Contest("mingru", part, job, PEERS[part], targets)
        yield from hold(contest, settings.threads, settings.pace(4.0))


def gradient(settings: Settings) -> Iterator[Row]:
    """Yield the errors of gradients after 16,384 steps, in the place of times."""
    shape = (1, 256, 8, 8) if settings.quick else (1, 16384, 256, 256)
    for kind, note in ((without_bias, "no bias"), (slow, "time scale 1,000 steps")):
        job = prepare(kind, shape)
        want = exact(job)
        mine = wrong(job, want)
        common: dict[str, Any] = {
            "question": "mingru",
            "part": "gradient",
            "cell": "MinGRU",
            "shape": shape,
            "threads": settings.threads,
            "engine": job.engine(),
            "error": mine,
        }
        yield Row(
            **common,
            peer=f"limit {LIMIT:.0e}",
            ratio=LIMIT / max(mine, 1e-12),
            must=1.0,
            note=f"error of the gradient, {note}",
        )
        if kind is without_bias:
            other = error(packages.min_gru(job), want, job)
            yield Row(
                **common,
                peer=packages.MIN_GRU.name,
                ratio=other / max(mine, 1e-12),
                peer_error=other,
                note=f"error of the gradient, {note}",
            )


def wrong(job: Job, want: dict[str, torch.Tensor]) -> float:
    """Return the largest error of recurra's gradients, as a share of the largest number."""
    entry = recurra(job)
    return error(entry, want, job)


MINGRU = Question(
    "mingru",
    "A train step of a MinGRU layer, 256 wide, at T = 128, 2,048, 16,384; its gradient's error.",
    tuple(PEERS),
    answer,
    4.0,
)
