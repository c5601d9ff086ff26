"""A run whose loss becomes no number, and what saves it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from recurra.cells import LSTM, Elman
from recurra.layers import Layer, Recurrent
from recurra.layers.conversion import cell_of
from recurra.limits.case import Case
from recurra.limits.experiment import Experiment
from recurra.limits.finding import Limit
from recurra.limits.problems import ADDING_CHANCE, adding
from recurra.limits.reader import Reader
from recurra.reports import Plot, Table

HIDDEN, ROWS, RATE = 64, 16, 0.01
NORM, STATE = 1.0, 1e-4  # at which gradients are clipped: of all weights; of a row's state


class Way(NamedTuple):
    """How it is trained.

    Args:
        name: on the page.
        build: the layer.
        clip: the largest norm of a step's gradient.
        cures: whether it is told to help.
    """

    name: str
    build: Callable[[], Layer | nn.RNNBase]
    clip: float = math.inf
    cures: bool = True


class Run(NamedTuple):
    """What a run went through: at each step the loss, and the gradient's norm before clipping."""

    losses: list[float]
    norms: list[float]

    @property
    def diverged(self) -> bool:
        """Whether the loss became no number, or ten times as large as it began."""
        return not self.losses[-1] <= 10 * self.losses[0]


def he() -> nn.RNN:
    """Return PyTorch's relu network with He's initialisation, which is made for deep networks."""
    layer = nn.RNN(2, HIDDEN, nonlinearity="relu", batch_first=True)
    weight: Tensor = layer.get_parameter("weight_hh_l0")
    nn.init.kaiming_normal_(weight, nonlinearity="relu")
    return layer


WAYS = (
    Way("nn.RNN(relu), He initialisation", he, cures=False),
    Way(f"… gradient clipped by norm at {NORM:g}", he, NORM),
    Way(
        f"… clip_state={STATE:g} through time",
        lambda: Recurrent(cell_of(he(), "_l0"), clip_state=STATE),
    ),
    Way(
        "Elman(relu), recurra's identity, not clipped",
        lambda: Recurrent(Elman(2, HIDDEN, nonlinearity="relu")),
        cures=False,
    ),
    Way("Elman(tanh), recurra's orthogonal", lambda: Recurrent(Elman(2, HIDDEN))),
    Way("LSTM", lambda: Recurrent(LSTM(2, HIDDEN))),
)


def train(way: Way, steps: int, updates: int, seed: int) -> Run:
    """Train on the adding problem by plain gradient descent until it is over or diverged."""
    torch.manual_seed(seed)
    model = Reader(way.build(), 1)
    optimiser = torch.optim.SGD(model.parameters(), RATE)
    generator = torch.Generator().manual_seed(seed)
    run = Run([], [])
    for _ in range(updates):
        x, y = adding(ROWS, steps, generator)
        loss = functional.mse_loss(model(x)[:, 0], y)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        run.norms.append(float(nn.utils.clip_grad_norm_(model.parameters(), way.clip)))
        run.losses.append(loss.item())
        if not math.isfinite(run.losses[-1]):
            break
        optimiser.step()
    return run


def run(case: Case) -> Limit:
    """Train in each way, and count the runs that diverge."""
    steps, updates = case.choose((100, 60), (50, 15))
    seeds = case.runs(5, 2)
    found = dict[str, list[Run]]()
    for way in WAYS:
        for seed in seeds:
            case.progress(f"{way.name}, seed {seed}")
            found.setdefault(way.name, []).append(train(way, steps, updates, seed))
    rows = [
        [
            name,
            f"{sum(one.diverged for one in runs)} of {len(runs)}",
            f"{max(max(one.norms, key=_size) for one in runs):.3g}",
            _typical([one.losses[-1] for one in runs]),
        ]
        for name, runs in found.items()
    ]
    first = found[WAYS[0].name]
    cured = [run for way in WAYS if way.cures for run in found[way.name]]
    lost, saved = (sum(one.diverged for one in runs) for runs in (first, cured))
    return Limit(
        name=EXPERIMENT.name,
        kind=EXPERIMENT.kind,
        title=EXPERIMENT.title,
        fails="Each step back multiplies a gradient by the recurrent weights: where they enlarge, "
        "it grows with every step, one update throws the weights away, and the loss is no number.",
        cure="clip gradients by norm (recurra's default, --clip), which clip_state alone does not "
        "replace; a tanh network with orthogonal weights; an LSTM. The identity alone is none",
        verdict=f"{lost} of {len(first)} runs of the plain network diverge within {updates} "
        f"updates; with a cure, {saved} of {len(cured)}.",
        measured=f"Adding problem of {steps} steps, {HIDDEN} units, plain gradient descent at "
        f"{RATE:g}, {updates} updates of {ROWS} rows. Diverged: the loss is no finite number, or "
        "ten times as large as it began.",
        seeds=seeds,
        plots=(
            Plot(
                "The gradient's norm before it is clipped, the first seed",
                {name: list(enumerate(runs[0].norms, 1)) for name, runs in found.items()},
                "updates",
                "‖∂L/∂θ‖ (loss per unit of weight)",
                log=True,
            ),
        ),
        tables=(
            Table(
                "Runs",
                ["way", "diverged", "greatest gradient norm", "last loss, median"],
                rows,
                f"Chance is {ADDING_CHANCE:.3f}: so few updates teach nobody to add.",
            ),
        ),
    )


def _size(norm: float) -> float:
    """Return a norm to compare by: what is none is the greatest."""
    return norm if norm == norm else math.inf


def _typical(losses: list[float]) -> str:
    middle = sorted(losses, key=_size)[len(losses) // 2]
    return f"{middle:.3g}" if math.isfinite(middle) else "no number"


EXPERIMENT = Experiment("exploding", "weakness", "Exploding gradients", 15, 15, run)
