"""How far back a network learns to look: the adding problem and copy memory at growing length."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from recurra.limits import heights, ways
from recurra.limits.case import Case
from recurra.limits.climb import Ladder, Runs, climb, grow
from recurra.limits.experiment import Experiment
from recurra.limits.finding import Limit
from recurra.limits.fitting import Problem
from recurra.limits.problems import ADDING_CHANCE, KINDS, adding, copying, copying_chance
from recurra.limits.reader import Reader
from recurra.limits.ways import Way
from recurra.training.recipe import Recipe

HIDDEN, RATE = 64, 0.01
WIDE, SCALE = 128, 50  # of those whose length grows: units, and the time scale they begin with
GROWING = Recipe(learning_rate=5e-3, schedule="constant")
LENGTHS = 5, 10, 20, 40, 80, 160, 320, 640, 1000
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
COPIERS = (ways.RNN, ways.TORCH_LSTM, ways.ORTHOGONAL, ways.CHRONO_GRU)
USUAL = Recipe()  # the default one
USUAL_ADDERS, USUAL_COPIERS = (ways.CHRONO_RGLRU, ways.RECTIFIED_LRU), (ways.RING_LRU,)
GROWERS = (ways.RNN, ways.TORCH_LSTM, ways.CHRONO_LSTM, ways.CHRONO_GRU)


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


def growing(way: Way, steps: int) -> nn.Module:
    """Return a wider one, whose gates are not told how long it will be."""
    return Reader(way.build(KINDS, WIDE, SCALE), KINDS, last=False)


def run(case: Case) -> Limit:
    """Let each way climb both ladders, some by the default recipe."""
    seeds = case.runs(1)
    many, some = case.choose((50, 150, 600), (50,)), case.choose((50, 200, 1000), (50,))
    adds = Ladder("Adding problem", adding_of, adder, many, ADDERS, case.choose(800, 200), 32)
    copies = Ladder("Copy memory", copying_of, copier, some, COPIERS, case.choose(1000, 200), 16)
    grows = Ladder(
        "Copy memory",
        copying_of,
        growing,
        case.choose(LENGTHS, LENGTHS[:2]),
        case.choose(GROWERS, GROWERS[1:]),
        case.choose(5000, 200),
        32,
    )
    tuned = Recipe(learning_rate=RATE)
    climbs = [
        (adds, tuned),
        (copies, tuned),
        (_as_usual(adds, USUAL_ADDERS, case.choose(1500, 200)), USUAL),
        (_as_usual(copies, USUAL_COPIERS, case.choose(6000, 200)), USUAL),
    ]
    reached = [(ladder, climb(ladder, seeds, case, recipe)) for ladder, recipe in climbs]
    taught = grow(grows, seeds, case, GROWING)
    told = [
        f"{ladder.name}, {ladder.lengths[-1]} steps: solved by {_solvers(ladder, found)}"
        + "".join(f", {_stands(ladder, found, way)}" for way in ladder.ways if not way.ours)
        for ladder, found in reached
    ]
    return Limit(
        name=EXPERIMENT.name,
        kind=EXPERIMENT.kind,
        title=EXPERIMENT.title,
        fails="What is to be remembered for hundreds of steps is not learnt: the gradient from "
        "there has vanished before it arrives, and the network stays at chance.",
        cure="tell how long a dependency is (time_scale, --time-scale): forget gates start open "
        "for that long; linear cells (RGLRU, MinGRU, LRU) with recurra.init.ring; begin "
        "with short sequences",
        verdict="; ".join(told)
        + f"; where the length grows, by {_solvers(grows, taught)} up to {grows.lengths[-1]}.",
        measured="Both problems as Arjovsky, Shah and Bengio 2016 have them, new rows for every "
        f"update, {HIDDEN} units, recurra's recipe (AdamW, warm-up, cosine, clipping at 1) at a "
        f"learning rate of {RATE:g} for all, PyTorch's layers too; at most {adds.updates} updates "
        f"of {adds.batch_size} rows (adding), {copies.updates} of {copies.batch_size} (copy); by "
        f"the default recipe, whose rate is {USUAL.learning_rate:g}, {climbs[2][0].updates} and "
        f"{climbs[3][0].updates}. "
        "Chance is 1/6, the squared error of always saying 1, and 10 ln 8 / (T + 20) nats, blanks "
        "and a guess of 8: there the published recurrent baselines of copy memory stay. Where the "
        f"length grows, {WIDE} units, a time scale of {SCALE}, the rate constant at "
        f"{GROWING.learning_rate:g} and at most {grows.updates} updates.",
        seeds=seeds,
        plots=tuple(heights.plot(*one) for one in reached[:2]),
        tables=(*(heights.table(*one) for one in reached), heights.grown(grows, taught)),
    )


def _as_usual(ladder: Ladder, layers: Sequence[Way], updates: int) -> Ladder:
    """Return the longest of a ladder for some layers, as the default recipe climbs it."""
    name = f"{ladder.name}, default recipe"
    return ladder._replace(name=name, lengths=ladder.lengths[-1:], ways=layers, updates=updates)


def _solvers(ladder: Ladder, found: Runs) -> str:
    """Return the names of those who solved the longest."""
    last = ladder.lengths[-1]
    return (
        ", ".join(
            way.name.partition(",")[0]
            for way in ladder.ways
            if heights.longest(ladder, found, way.name) == last
        )
        or "none"
    )


def _stands(ladder: Ladder, found: Runs, way: Way) -> str:
    """Return at what share of chance a way is on the longest."""
    part = heights.share(ladder, found, way.name, ladder.lengths[-1])
    return f"{way.name} is at {part or 0:.0%} of chance"


EXPERIMENT = Experiment("long", "weakness", "Long sequences with tanh or ReLU", 440, 60, run)
