"""How far back a network learns to look: the adding problem and copy memory at growing length."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from recurra.limits import climb, ways
from recurra.limits.case import Case
from recurra.limits.experiment import Experiment
from recurra.limits.finding import Limit
from recurra.limits.fitting import Problem
from recurra.limits.problems import ADDING_CHANCE, KINDS, adding, copying, copying_chance
from recurra.limits.reader import Reader
from recurra.limits.ways import Way

HIDDEN, RATE = 64, 0.01
ADDERS = (
    ways.RNN,
    ways.TORCH_LSTM,
    ways.ORTHOGONAL,
    ways.IDENTITY,
    ways.UNIT_FORGET,
    ways.CHRONO_GRU,
    ways.CHRONO_MINGRU,
    ways.CHRONO_RGLRU,
    ways.RECTIFIED_LRU,
)
COPIERS = (ways.RNN, ways.TORCH_LSTM, ways.ORTHOGONAL, ways.CHRONO_GRU, ways.RING_LRU)


def squared(said: Tensor, right: Tensor) -> Tensor:
    """Return the mean squared error."""
    return functional.mse_loss(said[:, 0], right)


def entropy(said: Tensor, right: Tensor) -> Tensor:
    """Return the mean cross entropy of a step, in nats."""
    return functional.cross_entropy(said.flatten(0, 1), right.flatten())


def adding_of(steps: int) -> Problem:
    """Return the adding problem of this length."""
    return Problem(lambda rows, drawn: adding(rows, steps, drawn), squared, ADDING_CHANCE)


def copying_of(steps: int) -> Problem:
    """Return copy memory over so many steps."""
    return Problem(lambda rows, drawn: copying(rows, steps, drawn), entropy, copying_chance(steps))


def adder(way: Way, steps: int) -> nn.Module:
    """Return a model that says one number after the last step."""
    return Reader(way.build(2, HIDDEN, steps), 1)


def copier(way: Way, steps: int) -> nn.Module:
    """Return a model that says a symbol after each step."""
    return Reader(way.build(KINDS, HIDDEN, steps), KINDS, last=False)


def run(case: Case) -> Limit:
    """Let each way climb both ladders."""
    seeds = case.runs(2, 1)
    adds = climb.Ladder(
        "Adding problem",
        adding_of,
        adder,
        case.choose((50, 150, 600), (50,)),
        ADDERS,
        case.choose(1000, 300),
        32,
    )
    copies = climb.Ladder(
        "Copy memory",
        copying_of,
        copier,
        case.choose((50, 200, 1000), (50,)),
        COPIERS,
        case.choose(500, 300),
        16,
    )
    added = climb.climb(adds, seeds, case, RATE)
    copied = climb.climb(copies, seeds, case, RATE)
    told = [
        f"{name} of {ladder.lengths[-1]} steps: solved by {_solvers(ladder, found)}; "
        + ", ".join(
            f"{way.name} is at {climb.share(ladder, found, way.name, ladder.lengths[-1]) or 0:.0%}"
            for way in ladder.ways
            if not way.ours
        )
        + " of chance"
        for name, ladder, found in (
            ("adding problem", adds, added),
            ("copy memory", copies, copied),
        )
    ]
    return Limit(
        name=EXPERIMENT.name,
        kind=EXPERIMENT.kind,
        title=EXPERIMENT.title,
        fails="What is to be remembered for hundreds of steps is not learnt: the gradient from "
        "there has vanished before it arrives, and the network stays at chance.",
        cure="tell how long a dependency is (time_scale, --time-scale): forget gates start open "
        "for that long; linear cells (RGLRU, MinGRU, LRU) with recurra.init.ring",
        verdict="; ".join(told) + ".",
        measured="Both problems as Arjovsky, Shah and Bengio 2016 have them, new rows for every "
        f"update, {HIDDEN} units, recurra's recipe (AdamW, warm-up, cosine, clipping at 1) at a "
        f"learning rate of {RATE:g} for all, PyTorch's layers too; at most {adds.updates} updates "
        f"of {adds.batch_size} rows (adding), {copies.updates} of {copies.batch_size} (copy). "
        "Chance is 1/6, the squared error of always saying 1, and 10 ln 8 / (T + 20) nats, blanks "
        "and a guess of 8: there the published recurrent baselines of copy memory stay.",
        seeds=seeds,
        plots=(climb.plot(adds, added), climb.plot(copies, copied)),
        tables=(climb.table(adds, added), climb.table(copies, copied)),
    )


def _solvers(ladder: climb.Ladder, found: climb.Runs) -> str:
    """Return the names of those who solved the longest."""
    last = ladder.lengths[-1]
    return (
        ", ".join(
            way.name.partition(",")[0]
            for way in ladder.ways
            if climb.longest(ladder, found, way.name) == last
        )
        or "none"
    )


EXPERIMENT = Experiment("long", "weakness", "Long sequences with tanh or ReLU", 300, 60, run)
