"""A problem at growing length: how far does a layer get?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import nn

from recurra.limits.case import Case
from recurra.limits.fitting import Fitted, Problem, begin, fit
from recurra.limits.ways import Way
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


def climb(ladder: Ladder, seeds: Sequence[int], case: Case, recipe: Recipe) -> Runs:
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
                    replace(recipe, seed=seed, batch_size=ladder.batch_size),
                    updates=ladder.updates,
                    case=case,
                    name=f"{ladder.name} of {steps} steps, {way.name}",
                )
                found.setdefault((way.name, steps), []).append(fitted)
            goes_on = goes_on and all(one.solved for one in found[way.name, steps])
    return found


def grow(ladder: Ladder, seeds: Sequence[int], case: Case, recipe: Recipe) -> Runs:
    """Train one model for each way, on the next length as soon as it solves one.

    What it has learnt of short ones it keeps; of a long one it has to learn to wait.
    """
    found: Runs = {}
    for way in ladder.ways:
        for seed in seeds:
            torch.manual_seed(seed)
            model = ladder.model(way, ladder.lengths[0])
            begun = begin(model, replace(recipe, seed=seed))
            for steps in ladder.lengths:
                fitted = fit(
                    model,
                    ladder.problem(steps),
                    replace(recipe, seed=seed, batch_size=ladder.batch_size),
                    updates=ladder.updates,
                    case=case,
                    name=f"{ladder.name}, now of {steps} steps, {way.name}",
                    begun=begun,
                )
                found.setdefault((way.name, steps), []).append(fitted)
                begun = begun._replace(updates=fitted.updates)
                if not fitted.solved:
                    break
    return found
