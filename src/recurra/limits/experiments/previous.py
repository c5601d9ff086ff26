"""What was computed before is used: the carried state, taken away every so many steps."""

from __future__ import annotations

from statistics import mean

import torch
from torch import nn
from torch.nn import functional

from recurra.limits.case import Case
from recurra.limits.experiment import Experiment
from recurra.limits.experiments.shared import BACK, learnt
from recurra.limits.finding import Limit
from recurra.limits.problems import best_guess, majority
from recurra.reports import Plot, Table
from recurra.reports.table import Cell
from recurra.training.recipe import Recipe

STEPS = 60
VISIBLE = 1, 2, 3, 4, 5, 8  # steps that a state has seen


@torch.no_grad()
def accuracy(model: nn.Module, visible: int, seed: int) -> float:
    """Return the share of right answers where a state begins anew for each answer.

    Each answer is the one after `visible` steps from the first state.
    """
    x, y = majority(128, STEPS, BACK, torch.Generator().manual_seed(20_000 + seed))
    padded = functional.pad(x[..., 0], (max(visible - BACK - 1, 0), 0))
    windows = padded.unfold(1, visible, 1)[:, -STEPS:].reshape(-1, visible, 1)
    scores = model.eval()(windows)[:, -1, 0].reshape(y.shape)
    return float(((scores > 0) == (y > 0.5)).float().mean())


def run(case: Case) -> Limit:
    """Take the state of a trained model away, and see what is left."""
    updates, seeds = case.choose(300, 150), case.runs(3, 1)
    found: list[list[float]] = []
    for seed in seeds:
        case.progress(f"seed {seed}")
        model = learnt("GRU", updates, seed)
        found.append([accuracy(model, visible, seed) for visible in VISIBLE])
    means = [mean(column) for column in zip(*found, strict=True)]
    best = [best_guess(BACK, visible - 1) for visible in VISIBLE]
    rows: list[list[Cell]] = [
        [str(visible), one, most] for visible, one, most in zip(VISIBLE, means, best, strict=True)
    ]
    whole = VISIBLE.index(BACK + 1)
    return Limit(
        name=EXPERIMENT.name,
        kind=EXPERIMENT.kind,
        title=EXPERIMENT.title,
        fails="What a step needs of the past is in the state: it is read once, and not kept.",
        cure="",
        verdict=f"A trained GRU is right in {means[whole]:.3f} of steps with the state of the last "
        f"{BACK + 1}, and in {means[0]:.3f} where each step begins anew: one coin allows "
        f"{best[0]:.3f}.",
        measured=f"Fair coins; at each step, which side most of the last {BACK + 1} show; the GRU "
        f"of `recurra limits shared`, {updates} updates of {Recipe.batch_size} rows. Its state is "
        "then taken away: each answer comes from a state that has seen so many steps.",
        seeds=seeds,
        plots=(
            Plot(
                "What a state that has seen so many steps is worth",
                {
                    "GRU": [(float(x), y) for x, y in zip(VISIBLE, means, strict=True)],
                    "the best possible": [
                        (float(x), y) for x, y in zip(VISIBLE, best, strict=True)
                    ],
                },
                "steps that the state has seen",
                "accuracy (share of steps)",
            ),
        ),
        tables=(Table("Accuracy", ["steps seen", "accuracy", "best possible"], rows),),
    )


EXPERIMENT = Experiment("previous", "strength", "Previous results are used", 5, 1, run)
