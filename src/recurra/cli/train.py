"""`recurra train TASK`: one command per task, its flags derived from the recipe's fields."""

import sys
from collections.abc import Callable
from typing import Any, Literal

from cyclopts import App

from recurra.bundle import REPORT
from recurra.cli.options import of_task, parameter, signed
from recurra.tasks.catalogue import TASKS
from recurra.tasks.model import Model
from recurra.tasks.run import Run, complete
from recurra.tasks.task import Task
from recurra.training.recipe import read_toml

CODES = {"interrupted": 130, "terminated": 143}  # as a shell has them: 128 and the signal


def add_tasks(app: App) -> None:
    """Add one command per task."""
    for task in TASKS:
        app.command(command(task), name=task.name)


def command(task: Task[Any]) -> Callable[..., int]:
    """Return the function that trains a task; its signature is the recipe with its defaults."""

    def run(**given: Any) -> int:
        config = given.pop("config", None)
        from_file = read_toml(config) if config else {}
        runner = Run(task, complete(task, from_file, given))
        model = runner.train()
        if runner.first:
            report(model, runner)
        return CODES.get(model.metrics["stopped"], 0)

    parameters = [
        parameter("config", str | None, None, "recipe file (TOML); flags go before it", "run")
    ]
    if task.presets:
        names = Literal[tuple(task.presets)]  # type: ignore[valid-type]  # names known at run time
        text = "options that were found to go well together; other flags go before it"
        parameters.append(parameter("preset", names | None, None, text, "run"))
    return signed(run, [*parameters, *of_task(task)], _help(task))


def _help(task: Task[Any]) -> str:
    return f"""{task.summary} ({task.type})

    Reads {task.reads}. Without --data it trains on the embedded sample.

        recurra train {task.name}
        recurra train {task.name} --data PATH --cell mingru --max-time 3m --out runs/mine
        recurra {_use(task)} runs/mine "{task.example}"
    """


def report(model: Model, runner: Run) -> None:
    """Print the test metrics beside the baseline's and peers', and where the model lies."""
    from rich.console import Console
    from rich.table import Table

    others = {"trivial baseline": model.metrics["baseline"], **model.metrics.get("peers", {})}
    table = Table("test metric", "model", *others, title=runner.task.name)
    for name, value in model.metrics["test"].items():
        beside = (f"{found[name]:.4f}" if name in found else "" for found in others.values())
        table.add_row(name, f"{value:.4f}", *beside)
    Console(file=sys.stdout).print(table)
    stopped, step = model.metrics["stopped"], model.metrics["best_step"]
    print(f"stopped: {stopped}; the best weights are those of step {step}")
    if stopped in CODES:
        print(f"go on with: recurra train {runner.task.name} --resume --out {runner.folder}")
    page = runner.folder / REPORT
    if page.exists():
        print(f"figures and mistakes: {page}")
    print(f"saved in {runner.folder}; use it:")
    print(f'  recurra {_use(runner.task)} {runner.folder} "{runner.task.example}"')


def _use(task: Task[Any]) -> str:
    return "predict" if task.write is None else "generate"
