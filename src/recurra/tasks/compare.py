"""The same task with several cells, each for as long: which cell is it to be?"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from recurra.errors import RecurraError
from recurra.tasks.body import check
from recurra.tasks.catalogue import find
from recurra.tasks.run import Run, complete
from recurra.tasks.task import LOWER_IS_BETTER, Task
from recurra.training.recipe import Recipe
from recurra.training.values import seconds

ENOUGH = 10**6  # epochs: more than any budget holds
LEFT = ("out", "resume", "max_time", "cell")  # of a recipe that is to be trained with later


class Entrant(NamedTuple):
    """What one cell reached in its share of the time.

    Args:
        cell: by name.
        parameters: of the whole network.
        value: the best of the validation part's criterion; the cells are ranked by it.
        test: every metric of the test part, which ranks nothing.
        seconds: training and validation.
        epochs: passes over the training part.
        curve: (seconds, criterion) of each validation.
        folder: of the run, whose bundle can be used.
        stopped: why.
    """

    cell: str
    parameters: int
    value: float
    test: dict[str, float]
    seconds: float
    epochs: float
    curve: list[tuple[float, float]]
    folder: str
    stopped: str


def compare(
    task: str, cells: Sequence[str], budget: str = "10m", *, out: str | None = None, **fields: Any
) -> list[Entrant]:
    """Train a task with each cell for an equal share of a budget; return them, the best first.

    Each has a folder of its own in `out` (runs/compare-TASK), beside `compare.json`, and
    `best.toml`: the recipe of the first, to go on with, `recurra train TASK --config best.toml`.

    Args:
        task: its name.
        cells: at least two, by name.
        budget: of all of them together: 90s, 10m, 2h.
        out: the folder; it holds no comparison yet, unless `resume=True`.
        fields: any other option of the task. Where no epochs are given, time alone ends a run.
    Raises:
        RecurraError: something that the user can mend; one line says what.
    """
    chosen, home = find(task), Path(out or f"runs/compare-{task}")
    found: list[Entrant] = []
    for run in runs(chosen, cells, budget, home, fields):
        found.append(entrant(run))
        write(home, chosen, found, fields)
        if found[-1].stopped in ("interrupted", "terminated"):
            break
    return ranked(chosen, found)


def runs(
    task: Task[Any], cells: Sequence[str], budget: str, home: Path, fields: Mapping[str, Any]
) -> list[Run]:
    """Return the runs, all checked before the first of them begins.

    Raises:
        RecurraError: a cell is unknown or named twice, or there are fewer than two, the budget is
            too short, or a field is wrong.
    """
    if len(cells) < 2 or len(set(cells)) < len(cells):
        listed = ",".join(cells) or "none"
        raise RecurraError(f"cells: received {listed}; give two or more different ones: lstm,gru")
    for name in ("cell", "max_time"):
        if name in fields:
            raise RecurraError(f"{name}: a comparison has cells and a budget; leave it out")
    each = int(seconds(budget) / len(cells))
    if not each:
        raise RecurraError(f"budget: {budget} leaves no second for each of {len(cells)} cells")
    given = {"epochs": ENOUGH, **fields}
    entering = []
    for cell in cells:
        own = {"cell": cell, "max_time": f"{each}s", "out": str(home / name_of(cell))}
        recipe = complete(task, given, own)
        check(recipe)
        entering.append(Run(task, recipe))
    return entering


def name_of(cell: str) -> str:
    """Return the name of a cell's folder."""
    return "".join(c if c.isalnum() else "-" for c in cell)


def entrant(run: Run) -> Entrant:
    """Train, and return what came of it."""
    model = run.train()
    lines = (run.folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    log = [json.loads(line) for line in lines]
    name = run.task.criterion
    validated = [row for row in log if name in row]
    curve = [(row["seconds"], row[name]) for row in validated]
    if not curve:
        raise RecurraError(f"{run.recipe.cell} had no time for one validation; raise the budget")
    best = min if name in LOWER_IS_BETTER else max
    return Entrant(
        run.recipe.cell,
        sum(parameter.numel() for parameter in model.network.parameters()),
        best(value for _, value in curve),
        model.metrics["test"],
        model.metrics["seconds"],
        validated[-1]["epoch"],
        curve,
        str(run.folder),
        model.metrics["stopped"],
    )


def ranked(task: Task[Any], found: Sequence[Entrant]) -> list[Entrant]:
    """Return the entrants, the best on the validation part first."""
    sign = 1 if task.criterion in LOWER_IS_BETTER else -1
    return sorted(found, key=lambda one: sign * one.value)


def write(home: Path, task: Task[Any], found: Sequence[Entrant], fields: Mapping[str, Any]) -> None:
    """Write what is known so far: `compare.json`, and the best cell's recipe."""
    order = ranked(task, found)
    told = {"task": task.name, "criterion": task.criterion}
    rows = [one._asdict() for one in order]
    (home / "compare.json").write_text(json.dumps({**told, "cells": rows}, indent=1) + "\n")
    kept = {name: value for name, value in fields.items() if name not in LEFT}
    recipe = complete(task, kept, {"cell": order[0].cell})
    (home / "best.toml").write_text(differing(task, recipe), encoding="utf-8")


def differing(task: Task[Any], recipe: Recipe) -> str:
    """Return as TOML what a recipe sets otherwise than the task's defaults."""
    usual = complete(task, {"data": recipe.data} if recipe.data else {})
    lines = recipe.to_toml().splitlines(keepends=True)
    same = {
        field.name
        for field in dataclasses.fields(recipe)
        if field.name != "cell"
        and field.name != "data"
        and getattr(recipe, field.name) == getattr(usual, field.name)
    }
    return "".join(line for line in lines if line.split(" = ")[0] not in same)
