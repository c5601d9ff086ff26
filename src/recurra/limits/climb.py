"""A problem at growing length: how far does a layer get?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import NamedTuple

import torch
from torch import nn

from recurra.limits.case import Case
from recurra.limits.fitting import SHARE, Fitted, Problem, fit
from recurra.limits.ways import Way
from recurra.reports import Plot, Table
from recurra.reports.table import Cell
from recurra.training.recipe import Recipe


class Ladder(NamedTuple):
    """A problem, its lengths, and what is trained on it.

    Args:
        name: of the problem.
        problem: length → problem.
        model: way, length → model.
        lengths: the shortest first.
        ways: layers; one that does not solve a length is not tried on longer ones, but those of
            PyTorch are tried on the longest, too.
        updates: of a training, at most.
        batch_size: rows of an update.
    """

    name: str
    problem: Callable[[int], Problem]
    model: Callable[[Way, int], nn.Module]
    lengths: Sequence[int]
    ways: Sequence[Way]
    updates: int
    batch_size: int


Runs = dict[tuple[str, int], list[Fitted]]


def climb(ladder: Ladder, seeds: Sequence[int], case: Case, rate: float) -> Runs:
    """Train each way on one length after another, while it solves them with every seed."""
    found: Runs = {}
    for way in ladder.ways:
        goes_on = True
        for steps in ladder.lengths:
            if not goes_on and (way.ours or steps != ladder.lengths[-1]):
                continue
            for seed in seeds:
                torch.manual_seed(seed)
                fitted = fit(
                    ladder.model(way, steps),
                    ladder.problem(steps),
                    Recipe(seed=seed, learning_rate=rate, batch_size=ladder.batch_size),
                    updates=ladder.updates,
                    case=case,
                    name=f"{ladder.name} of {steps} steps, {way.name}",
                )
                found.setdefault((way.name, steps), []).append(fitted)
            goes_on = goes_on and all(one.solved for one in found[way.name, steps])
    return found


def longest(ladder: Ladder, found: Runs, way: str) -> int:
    """Return the longest length up to which a way solves all with every seed; 0: none."""
    reached = 0
    for steps in ladder.lengths:
        runs = found.get((way, steps), [])
        if not runs or not all(one.solved for one in runs):
            break
        reached = steps
    return reached


def share(ladder: Ladder, found: Runs, way: str, steps: int) -> float | None:
    """Return the seeds' median error as a share of chance, or None: not tried."""
    runs = found.get((way, steps))
    if not runs:
        return None
    return median(one.error for one in runs) / ladder.problem(steps).chance


def table(ladder: Ladder, found: Runs) -> Table:
    """Return the errors as shares of chance, and how far each way got."""
    rows = list[list[Cell]]()
    for way in ladder.ways:
        shares = [share(ladder, found, way.name, steps) for steps in ladder.lengths]
        reached = longest(ladder, found, way.name)
        last = found.get((way.name, reached), [])
        rows.append(
            [
                way.name,
                "recurra" if way.ours else "PyTorch, as it starts",
                *("–" if one is None else f"{one:.3f}" for one in shares),
                str(reached) if reached else "none",
                f"{median(one.updates for one in last):.0f}" if last else "–",
                f"{median(one.seconds for one in last):.0f}" if last else "–",
            ]
        )
    head = [f"T = {steps}" for steps in ladder.lengths]
    return Table(
        f"{ladder.name}: error as a share of chance",
        ["layer", "whose", *head, "longest solved", "updates", "seconds"],
        rows,
        f"Solved: below {SHARE:g} on rows that were not trained on, with every seed. –: not tried, "
        "as a shorter one was not solved.",
    )


def plot(ladder: Ladder, found: Runs) -> Plot:
    """Return the errors over the length."""
    lines = {}
    for way in ladder.ways:
        shares = [(steps, share(ladder, found, way.name, steps)) for steps in ladder.lengths]
        lines[way.name] = [(float(steps), one) for steps, one in shares if one is not None]
    return Plot(
        ladder.name,
        lines,
        "length T (steps)",
        "error (share of chance)",
        log=True,
        log_across=True,
        limits={"chance": 1.0, f"solved: {SHARE:g}": SHARE},
    )
