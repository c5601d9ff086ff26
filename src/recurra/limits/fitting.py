"""Training on a task that is made on the spot: new rows for every update, recurra's own recipe."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from recurra.limits.case import Case
from recurra.training.optimiser import adamw, learning_rate
from recurra.training.recipe import Recipe

Batch = tuple[Tensor, Tensor]
Draw = Callable[[int, torch.Generator], Batch]
EVERY, HELD, PART = 50, 128, 32  # updates between two looks at held-out rows; these; at once
APART = 1_000_003  # between the seeds of training and of held-out rows; torch keeps 32 bits of one


class Problem(NamedTuple):
    """A task made on the spot.

    Args:
        draw: how many rows, a generator → inputs and answers.
        loss: what a model says, answers → the error that is minimised, a mean.
        chance: the error of the best answer that does not look back.
    """

    draw: Draw
    loss: Callable[[Tensor, Tensor], Tensor]
    chance: float


class Begun(NamedTuple):
    """A training that goes on.

    Args:
        optimiser: with what it remembers.
        generator: of rows.
        updates: made before.
    """

    optimiser: torch.optim.Optimizer
    generator: torch.Generator
    updates: int


class Fitted(NamedTuple):
    """What came of a training.

    Args:
        error: on held-out rows, at the end.
        solved: whether the error is below a tenth of chance.
        updates: that were made, those before included.
        seconds: of the processor that they took.
        curve: (updates, error on held-out rows).
    """

    error: float
    solved: bool
    updates: int
    seconds: float
    curve: list[tuple[float, float]]


SHARE = 0.1  # of chance, below which a problem is solved


def fit(
    model: nn.Module,
    problem: Problem,
    recipe: Recipe,
    *,
    updates: int,
    seconds: float = math.inf,
    case: Case | None = None,
    name: str = "",
    begun: Begun | None = None,
) -> Fitted:
    """Train until the problem is solved on held-out rows, or updates or seconds are spent.

    As `recurra train` does: AdamW, warm-up, schedule and clipping of the recipe; its seed decides
    the rows.

    Args:
        model: inputs → what the loss takes.
        problem: what is learnt.
        recipe: how.
        updates: at most.
        seconds: of the processor, at most.
        case: whose progress is told.
        name: of the model, for that.
        begun: goes on with a training on another problem, whose updates count.
    """
    began = time.process_time()
    optimiser, generator, before = begun or begin(model, recipe)
    held = problem.draw(HELD, torch.Generator().manual_seed(recipe.seed + APART))
    curve = list[tuple[float, float]]()
    for update in range(before + 1, max(updates, before + 1) + 1):
        share = max(update / updates, (time.process_time() - began) / seconds)
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(recipe, share)
        x, y = problem.draw(recipe.batch_size, generator)
        loss = problem.loss(model(x), y)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(model.parameters(), recipe.clip or math.inf)
        optimiser.step()
        if update % EVERY == 0 or update == updates or share >= 1:
            curve.append((float(update), _error(model, problem, held)))
            if case is not None:
                case.progress(f"{name}, {curve[-1][1] / problem.chance:.0%} of chance at {update}")
            if share >= 1 or not curve[-1][1] > SHARE * problem.chance:
                break
    error = curve[-1][1]
    solved = error < SHARE * problem.chance
    return Fitted(error, solved, update, time.process_time() - began, curve)


def begin(model: nn.Module, recipe: Recipe) -> Begun:
    """Return a training that has made no update."""
    generator = torch.Generator().manual_seed(recipe.seed)
    return Begun(adamw(model, recipe), generator, 0)


@torch.no_grad()
def _error(model: nn.Module, problem: Problem, held: Batch) -> float:
    """Return the error on held-out rows."""
    model.eval()
    x, y = held
    total = 0.0
    for some, right in zip(torch.split(x, PART), torch.split(y, PART), strict=True):
        total += float(problem.loss(model(some), right)) * len(some)
    model.train()
    return total / len(x)
