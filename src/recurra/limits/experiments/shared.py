"""One set of weights for every step: what was learnt on short sequences holds on long ones."""

from __future__ import annotations

from statistics import mean

import torch
from torch import Tensor, nn
from torch.nn import functional

from recurra.cells import GRU
from recurra.layers import Recurrent
from recurra.limits.case import Case
from recurra.limits.experiment import Experiment
from recurra.limits.finding import Limit
from recurra.limits.fitting import Problem, fit
from recurra.limits.problems import majority
from recurra.limits.reader import Reader
from recurra.reports import Plot, Table
from recurra.reports.table import Cell
from recurra.training.recipe import Recipe

BACK, STEPS, HIDDEN = 4, 24, 32
TIMES = 1, 2, 5, 10
TRAINED = BACK + STEPS  # coins of a row


class Positions(nn.Module):
    """Weights of their own for each step: a dense network over a row of a fixed length."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(TRAINED, 4 * HIDDEN), nn.ReLU(), nn.Linear(4 * HIDDEN, TRAINED)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return a score for each step; a longer row is cut into pieces of that length."""
        short = -x.shape[1] % TRAINED
        pieces = functional.pad(x[..., 0], (0, short)).reshape(-1, TRAINED)
        scores: Tensor = self.layers(pieces).reshape(len(x), -1)
        return scores[:, : x.shape[1], None]


def recurrent() -> nn.Module:
    """Return a GRU that answers at each step."""
    return Reader(Recurrent(GRU(1, HIDDEN)), 1, last=False)


def loss(scores: Tensor, right: Tensor) -> Tensor:
    """Return the cross entropy over the steps that are asked about, the last ones."""
    asked = scores[:, -right.shape[1] :, 0]
    return functional.binary_cross_entropy_with_logits(asked, right)


PROBLEM = Problem(lambda rows, drawn: majority(rows, STEPS, BACK, drawn), loss, 1e-9)
MODELS = {"GRU": recurrent, "dense layers over positions": Positions}


@torch.no_grad()
def accuracy(model: nn.Module, coins: int, seed: int) -> float:
    """Return the share of right answers on new rows of so many coins."""
    x, y = majority(256, coins - BACK, BACK, torch.Generator().manual_seed(10_000 + seed))
    return float(((model.eval()(x)[:, BACK:, 0] > 0) == (y > 0.5)).float().mean())


def learnt(kind: str, updates: int, seed: int) -> nn.Module:
    """Return a model that was trained on short rows."""
    torch.manual_seed(seed)
    model = MODELS[kind]()
    fit(model, PROBLEM, Recipe(seed=seed, learning_rate=1e-2), updates=updates)
    return model


def run(case: Case) -> Limit:
    """Train on short rows, and ask about longer ones."""
    updates, seeds = case.choose(300, 150), case.runs(3, 1)
    found: dict[str, list[list[float]]] = {}
    counts = dict[str, int]()
    for kind in MODELS:
        for seed in seeds:
            case.progress(f"{kind}, seed {seed}")
            model = learnt(kind, updates, seed)
            counts[kind] = sum(weight.numel() for weight in model.parameters())
            right = [accuracy(model, times * TRAINED, seed) for times in TIMES]
            found.setdefault(kind, []).append(right)
    means = {
        kind: [mean(column) for column in zip(*runs, strict=True)] for kind, runs in found.items()
    }
    rows: list[list[Cell]] = [[kind, counts[kind], *line] for kind, line in means.items()]
    ours, other = means.values()
    return Limit(
        name=EXPERIMENT.name,
        kind=EXPERIMENT.kind,
        title=EXPERIMENT.title,
        fails="Every step is read by the same weights: what is learnt at one place is known at "
        "all, and there is no longest sequence.",
        cure="",
        verdict=f"Trained on rows of {TRAINED} steps, a GRU has an accuracy of {ours[-1]:.3f} on "
        f"rows {TIMES[-1]} times as long; dense layers over positions, which read those in pieces, "
        f"{other[-1]:.3f}, and {other[0]:.3f} on rows of their own length.",
        measured=f"Fair coins; at each step, which side most of the last {BACK + 1} show. "
        f"{updates} updates of {Recipe.batch_size} rows by recurra's recipe at a learning rate of "
        "0.01, then nothing is learnt any more.",
        seeds=seeds,
        plots=(
            Plot(
                "Rows that are longer than those of training",
                {
                    kind: [(float(n * TRAINED), y) for n, y in zip(TIMES, line, strict=True)]
                    for kind, line in means.items()
                },
                "length of a row (steps)",
                "accuracy (share of steps)",
                log_across=True,
            ),
        ),
        tables=(
            Table(
                "Accuracy",
                ["model", "parameters", *(f"{n * TRAINED} steps" for n in TIMES)],
                rows,
            ),
        ),
    )


EXPERIMENT = Experiment("shared", "strength", "Weights are shared over time", 8, 3, run)
