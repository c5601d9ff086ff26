"""Which learning rate a task wants: a range test of its network, of which nothing is kept."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch

from recurra.tasks.body import check
from recurra.tasks.catalogue import find
from recurra.tasks.run import build, complete, source
from recurra.tasks.task import Task
from recurra.training.ranges import RangeTest, rates_of
from recurra.training.recipe import Recipe

# of a recipe: what a test sets itself, and what decides only about longer runs
UNUSED = frozenset(
    (
        *("learning_rate", "warmup", "schedule", "epochs", "patience", "max_time", "average"),
        *("out", "resume", "tensorboard", "diagnose_every", "scheduled_sampling"),
    )
)


def find_rate(task: str, data: str | None = None, **fields: Any) -> RangeTest:
    """Return the range test of a task's network: its `suggestion` is a learning rate.

    The network, its loss, its batches and its optimiser are those that `train` would begin with;
    the rate grows from 10⁻⁶ to 1 over 150 steps. Smith 2017, https://arxiv.org/abs/1506.01186,
    section 3.3. Nothing is written.

    Args:
        task: its name, as in `recurra tasks`.
        data: as for `train`; none: the embedded sample.
        fields: any field of `Recipe`; and `lowest`, `highest`, `tries` of the test.
    Raises:
        RecurraError: something that the user can mend; one line says what.
    """
    options = {name: fields.pop(name) for name in ("lowest", "highest", "tries") if name in fields}
    chosen = find(task)
    given = {"data": data, **fields} if data else fields
    return of_recipe(chosen, complete(chosen, given), **options)


def of_recipe(task: Task[Any], recipe: Recipe, **options: Any) -> RangeTest:
    """Return the range test of a recipe.

    Args:
        task: what it is for.
        recipe: how to train.
        options: of `training.ranges.range_test`.
    """
    if recipe.threads:
        torch.set_num_threads(recipe.threads)
    check(recipe)
    splits = task.read(recipe)
    torch.manual_seed(recipe.seed)
    codec = task.fit(splits.train, recipe)
    network = build(task, codec, recipe)
    if task.prepare:
        splits = dataclasses.replace(splits, valid=[], test=[])
        splits = task.prepare(network, codec, splits, recipe)
    items = task.items(codec, splits.train, recipe)
    return rates_of(
        network,
        items,
        codec.collate,
        recipe=recipe,
        describe=lambda row: source(items, splits.train, row),
        **options,
    )
