"""What is known of the future: quality against delay."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from statistics import mean
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from recurra.cells import GRU
from recurra.layers import Bidirectional, Layer, LookAhead, Recurrent, Stack, aligned
from recurra.limits.case import Case
from recurra.limits.experiment import Experiment
from recurra.limits.finding import Limit
from recurra.limits.fitting import Problem, fit
from recurra.limits.problems import best_guess, majority
from recurra.limits.reader import Reader
from recurra.reports import Plot, Table
from recurra.reports.table import Cell
from recurra.training.recipe import Recipe

AHEAD, STEPS, HIDDEN = 8, 40, 32
CONTEXTS = 1, 2, 4, 8


class Way(NamedTuple):
    """A model that reads coins.

    Args:
        name: on the page.
        delay: steps from a coin to its answer; None: the whole sequence.
        build: the model.
    """

    name: str
    delay: int | None
    build: Callable[[], nn.Module]


class Tagger(nn.Module):
    """A layer of recurra, its delay made up for, and an answer at each step."""

    def __init__(self, layer: Layer) -> None:
        super().__init__()
        self.layer = layer
        self.head = nn.Linear(layer.output_size, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return a score for each step."""
        scores: Tensor = self.head(aligned(self.layer, x))
        return scores


def gru() -> Recurrent:
    """Return a GRU over coins."""
    return Recurrent(GRU(1, HIDDEN))


def looking(context: int) -> nn.Module:
    """Return a GRU that sees some steps ahead."""
    return Tagger(Stack(gru(), LookAhead(HIDDEN, context)))


def both_ways() -> nn.Module:
    """Return PyTorch's LSTM in both directions, half as wide each."""
    layer = nn.LSTM(1, HIDDEN // 2, batch_first=True, bidirectional=True)
    model = Reader(layer, 1, last=False)
    model.head = nn.Linear(2 * (HIDDEN // 2), 1)
    return model


WAYS = (
    Way("nn.LSTM", 0, lambda: Reader(nn.LSTM(1, HIDDEN, batch_first=True), 1, last=False)),
    Way("GRU, causal", 0, lambda: Tagger(gru())),
    *(Way(f"GRU, LookAhead({k})", k, partial(looking, k)) for k in CONTEXTS),
    Way("GRU, Bidirectional", None, lambda: Tagger(Bidirectional(gru(), gru()))),
    Way("nn.LSTM, bidirectional", None, both_ways),
)


def loss(scores: Tensor, right: Tensor) -> Tensor:
    """Return the cross entropy over the steps that are asked about."""
    return functional.binary_cross_entropy_with_logits(scores[:, : right.shape[1], 0], right)


PROBLEM = Problem(lambda rows, generator: majority(rows, STEPS, AHEAD, generator), loss, 1e-9)


@torch.no_grad()
def accuracy(model: nn.Module, seed: int) -> float:
    """Return the share of right answers on new rows."""
    model.eval()
    x, y = majority(512, STEPS, AHEAD, torch.Generator().manual_seed(10_000 + seed))
    return float(((model(x)[:, :STEPS, 0] > 0) == (y > 0.5)).float().mean())


def run(case: Case) -> Limit:
    """Train each model, and set its accuracy beside the best that its delay allows."""
    updates, seeds = case.choose(300, 100), case.runs(3, 1)
    found = dict[str, list[float]]()
    for way in WAYS:
        for seed in seeds:
            case.progress(f"{way.name}, seed {seed}")
            torch.manual_seed(seed)
            model = way.build()
            recipe = Recipe(seed=seed, learning_rate=1e-2)
            fit(model, PROBLEM, recipe, updates=updates)
            found.setdefault(way.name, []).append(accuracy(model, seed))
    rows: list[list[Cell]] = [
        [
            way.name,
            "all" if way.delay is None else str(way.delay),
            mean(found[way.name]),
            best_guess(AHEAD, AHEAD if way.delay is None else way.delay),
            f"{min(found[way.name]):.4f} … {max(found[way.name]):.4f}",
        ]
        for way in WAYS
    ]
    delays = [way for way in WAYS if way.delay is not None and way.name != "nn.LSTM"]
    measured = [(float(way.delay or 0), mean(found[way.name])) for way in delays]
    plain, ahead, two_way = (
        mean(found[name]) for name in ("nn.LSTM", f"GRU, LookAhead({AHEAD})", "GRU, Bidirectional")
    )
    return Limit(
        name=EXPERIMENT.name,
        kind=EXPERIMENT.kind,
        title=EXPERIMENT.title,
        fails="A recurrent network has read only what came before. Where the answer depends on "
        "what comes next, no training helps.",
        cure="LookAhead (--lookahead N): answers N steps late, streaming goes on; Bidirectional "
        "(--bidirectional): waits for the end",
        verdict=f"Accuracy {plain:.3f} without a view of the future, {ahead:.3f} with {AHEAD} "
        f"steps of look-ahead, {two_way:.3f} bidirectional: look-ahead costs a delay of {AHEAD} "
        f"steps, not of all {STEPS + AHEAD}.",
        measured=f"Fair coins; at each step, which side most of it and the next {AHEAD} show, so "
        "that the best accuracy for a delay is known exactly. Each model has "
        f"{HIDDEN} units and {updates} updates of {Recipe.batch_size} rows of {STEPS} steps, by "
        "recurra's recipe at a learning rate of 0.01.",
        seeds=seeds,
        plots=(
            Plot(
                "Quality against delay",
                {
                    "GRU with look-ahead": measured,
                    "the best possible": [
                        (float(k), best_guess(AHEAD, k)) for k in range(AHEAD + 1)
                    ],
                },
                "delay (steps)",
                "accuracy (share of steps)",
                limits={"nn.LSTM": plain, "GRU, Bidirectional": two_way},
            ),
        ),
        tables=(
            Table(
                "Accuracy",
                ["model", "delay (steps)", "accuracy", "best possible", "of the seeds"],
                rows,
            ),
        ),
    )


EXPERIMENT = Experiment("future", "weakness", "No view of the future", 25, 12, run)
