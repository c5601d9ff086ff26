"""`recurra compare TASK`: the same task with several cells, under one time budget."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cyclopts import App

from recurra.cli.options import of_task, parameter, signed
from recurra.cli.train import CODES
from recurra.tasks.catalogue import TASKS
from recurra.tasks.compare import Entrant, compare
from recurra.tasks.task import LOWER_IS_BETTER, Task
from recurra.training.recipe import read_toml

USUAL = "lstm,gru,mingru"
OWN = ("cell", "max_time", "out")  # options that a comparison sets itself


def add_comparisons(app: App) -> None:
    """Add one command per task."""
    for task in TASKS:
        app.command(command(task), name=task.name)


def command(task: Task[Any]) -> Callable[..., int]:
    """Return the function that compares cells at a task; its options are the task's others."""

    def run(cells: str = USUAL, budget: str = "10m", **given: Any) -> int:
        config, out = given.pop("config", None), given.pop("out", None)
        stored = read_toml(config) if config else {}
        fields = {name.replace("-", "_"): value for name, value in {**stored, **given}.items()}
        home = Path(out or fields.pop("out", None) or f"runs/compare-{task.name}")
        names = [name.strip() for name in cells.split(",") if name.strip()]
        found = compare(task.name, names, budget, out=str(home), **fields)
        report(task, found, home)
        return max(CODES.get(one.stopped, 0) for one in found)

    parameters = [
        parameter("cells", str, USUAL, "cells to compare, by name: a,b,c", "run"),
        parameter("budget", str, "10m", "time for all of them together: 90s, 10m, 2h", "run"),
        parameter("out", str | None, None, "folder; none: runs/compare-TASK", "run"),
        parameter("config", str | None, None, "recipe file (TOML); flags go before it", "run"),
    ]
    parameters += of_task(task, without=OWN)
    doc = f"""{task.summary} With which cell? ({task.type})

    Each cell trains for an equal share of the budget, all else the same; the validation part
    ranks them, the test part is only shown. Without --epochs, time alone ends a run.

        recurra compare {task.name} --cells lstm,gru,mingru --budget 10m
        recurra train {task.name} --config runs/compare-{task.name}/best.toml
    """
    return signed(run, parameters, doc)


def report(task: Task[Any], found: Sequence[Entrant], home: Path) -> None:
    """Print the table, the best first; draw the plot where matplotlib is there."""
    from rich.console import Console
    from rich.table import Table

    name = task.criterion
    table = Table("cell", f"valid {name}", f"test {task.metric}", "parameters", "epochs", "seconds")
    for one in found:
        table.add_row(
            one.cell,
            f"{one.value:.4f}",
            f"{one.test[task.metric]:.4f}" if task.metric in one.test else "",
            f"{one.parameters:,}",
            f"{one.epochs:.1f}",
            f"{one.seconds:.0f}",
        )
    Console(file=sys.stdout).print(table)
    drawn = draw(task, found, home / "compare.svg")
    print(f"plot: {drawn}" if drawn else "no plot: pip install matplotlib")
    print(f"go on with {found[0].cell}: recurra train {task.name} --config {home / 'best.toml'}")


def draw(task: Task[Any], found: Sequence[Entrant], path: Path) -> Path | None:
    """Draw the validation part's criterion against time; None where matplotlib is missing."""
    try:
        import matplotlib
    except ImportError:
        return None
    matplotlib.use("svg")
    from matplotlib import pyplot

    best = min if task.criterion in LOWER_IS_BETTER else max
    figure = pyplot.figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for one in found:
        times, values = zip(*one.curve, strict=True)
        (line,) = axes.plot(times, values, marker=".", label=one.cell)
        axes.axhline(best(values), color=line.get_color(), linewidth=0.5, linestyle=":")
    axes.set_xlabel("seconds of training and validation")
    axes.set_ylabel(f"{task.criterion}, validation part")
    axes.set_title(task.name)
    axes.legend()
    figure.savefig(path)
    pyplot.close(figure)
    return path
