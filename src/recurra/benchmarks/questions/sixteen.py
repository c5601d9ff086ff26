"""Is training in 16 bits faster than in 32, and than torch.nn's, by the units of this processor?"""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from recurra.benchmarks.contest import Contest, Peer, Target, hold
from recurra.benchmarks.job import Contender, Entry, Job, prepare, recurra
from recurra.benchmarks.peers import torch_nn
from recurra.benchmarks.question import Question, Settings, Skipped
from recurra.benchmarks.results import Row
from recurra.cells import GRU, LSTM, MinGRU
from recurra.cells.base import LinearCell
from recurra.engines.native import library

SHAPE, QUICK = (32, 256, 256, 256), (2, 8, 5, 5)
# bfloat16 has 8 bits: a factor is off by at most 2⁻⁸ of itself. Independent roundings do not reach
# together the sum of the shares of those on a gradient's way: twelve of y (x, W, W x, h, U and y,
# twice, since h comes back), and both factors and the result of each of its own four products.
TOLERANCE = 24 * 2.0**-8
FULL, TORCH = "recurra float32", "torch.nn, autocast"
CELLS = (LSTM, GRU, MinGRU)
AMX = {"LSTM": Target(1.8, 3.0), "GRU": Target(1.8, 3.0), "MinGRU": Target(1.6, 2.5)}
FORWARD = Target(1.2, 2.0)  # of AMX, against torch.nn
UNITS = {"amx": "AMX", "avx512bf16": "AVX512-BF16"}
COMMAND = "recurra bench speed --question sixteen"


def autocast(enter: Contender, job: Job) -> Entry:
    """Return a contender whose products are asked to take bfloat16."""
    entry = enter(job)

    def run() -> list[Tensor]:
        with torch.autocast("cpu", torch.bfloat16):
            return list(entry.run())

    return Entry(run, entry.names)


def checked(job: Job) -> Job:
    """Return the job on which answers are compared: itself, for at fewer rows runs another engine.

    A linear cell's weights and x are bfloat16's own numbers: where rounding them takes W x across
    the kink of MinGRU's candidate, its slope jumps, and both gradients are right.
    """
    if not isinstance(job.cell, LinearCell):
        return job
    cell = copy.deepcopy(job.cell).bfloat16().float()
    x = job.x.detach().bfloat16().float().requires_grad_(job.x.requires_grad)
    return job._replace(cell=cell, x=x)


OURS = partial(autocast, recurra)
PADDED = Peer(TORCH, partial(autocast, torch_nn.padded))


def targets(unit: str | None) -> Mapping[str, Target]:
    """Return what is asked of each cell's train step beside float32's, by the processor's unit."""
    if unit == "AMX":
        return AMX
    return dict.fromkeys(AMX, Target(1.2, 1.6) if unit else Target(0.95, 1.0))


def answer(part: str, settings: Settings) -> Iterator[Row]:
    """Yield a row per cell and peer.

    Raises:
        Skipped: there are no kernels here, or not the unit that a part asks for.
    """
    if why := library.missing():
        raise Skipped(why)
    unit = UNITS.get(library.isa())
    if part == "forward" and unit != "AMX":
        raise Skipped(f"asks for AMX, {library.isa()} is here; where it is: {COMMAND}")
    train = part == "train"
    for kind in CELLS if train else (LSTM,):
        job = prepare(kind, QUICK if settings.quick else SHAPE, train=train)
        ours = {FULL: targets(unit)[kind.__name__]} if train else {TORCH: FORWARD}
        peers = (Peer(FULL, recurra),) * train + (PADDED,) * (kind is not MinGRU)
        contest = Contest(
            "sixteen",
            part,
            job,
            peers,
            ours,
            check=checked(job),
            note=f"bfloat16 by {unit}" if unit else "no unit for bfloat16: float32",
            ours=OURS,
            tolerance=TOLERANCE,
        )
        with torch.autocast("cpu", torch.bfloat16):
            engine = job.engine()
        for row in hold(contest, settings.threads, settings.pace(3.0)):
            yield replace(row, engine=engine)


SIXTEEN = Question(
    "sixteen",
    "Under autocast to bfloat16, by the unit that each row names, against its own float32 and "
    f"torch.nn under autocast; on another processor: `{COMMAND}`.",
    ("train", "forward"),
    answer,
    1.0,
)
