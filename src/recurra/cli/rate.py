"""`recurra rate TASK`: which learning rate it wants, by a range test."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from cyclopts import App

from recurra.cli.options import of_task, parameter, signed
from recurra.errors import RecurraError
from recurra.reports import Plot, page
from recurra.storage import reason, replace_text
from recurra.tasks.catalogue import TASKS
from recurra.tasks.rate import UNUSED, of_recipe
from recurra.tasks.run import complete
from recurra.tasks.task import Task
from recurra.training.ranges import RangeTest
from recurra.training.recipe import read_toml

LOWEST, HIGHEST, TRIES = 1e-6, 1.0, 150


def add_rates(app: App) -> None:
    """Add one command per task."""
    for task in TASKS:
        app.command(command(task), name=task.name)


def command(task: Task[Any]) -> Callable[..., int]:
    """Return the function that tests learning rates at a task; its options are the task's."""

    def run(
        lowest: float = LOWEST, highest: float = HIGHEST, tries: int = TRIES, **given: Any
    ) -> int:
        config, out = given.pop("config", None), given.pop("out", None)
        stored = read_toml(config) if config else {}
        recipe = complete(task, {**stored, "resume": False}, given)
        options = {"lowest": lowest, "highest": highest, "tries": tries}
        found = of_recipe(task, recipe, **options, show=_shown)
        if int(os.environ.get("RANK", "0")) == 0:
            report(task, found, recipe.learning_rate, Path(out or f"runs/rate-{task.name}"))
        return 0

    parameters = [
        parameter("lowest", float, LOWEST, "the first learning rate", "run"),
        parameter("highest", float, HIGHEST, "the last one, where nothing diverges before", "run"),
        parameter("tries", int, TRIES, "rates tried, one at each step; 40 or more", "run"),
        parameter("out", str | None, None, "folder of the page; none: runs/rate-TASK", "run"),
        parameter("config", str | None, None, "recipe file (TOML); flags go before it", "run"),
    ]
    parameters += of_task(task, without=UNUSED)
    doc = f"""{task.summary} At which learning rate? ({task.type})

    The rate grows from step to step until the loss diverges; the suggestion is a tenth of the rate
    at which the loss is lowest. Draws rate.html, and leaves nothing trained.

        recurra rate {task.name} --cell mingru
        recurra train {task.name} --cell mingru --learning-rate SUGGESTION
    """
    return signed(run, parameters, doc)


def report(task: Task[Any], found: RangeTest, usual: float, home: Path) -> None:
    """Print the suggestion, and write the page and the numbers."""
    suggestion, lowest = found.suggestion, found.lowest
    if suggestion is None or lowest is None:
        said = f"no suggestion: the loss does not fall up to a rate of {found.rates[-1]:.2g}"
    else:
        said = f"suggested: --learning-rate {suggestion:.2g} (now {usual:g})"
        said += f"; the loss falls up to {lowest:.2g}"
        if lowest == found.rates[-1]:
            said += ", the highest tried: raise --highest"
    told = {
        "task": task.name,
        "suggestion": suggestion,
        "lowest": lowest,
        "diverged": found.diverged,
        **{name: getattr(found, name) for name in ("rates", "losses", "smooth")},
    }
    try:
        home.mkdir(parents=True, exist_ok=True)
        replace_text(home / "rate.json", json.dumps(told, indent=1) + "\n")
        replace_text(
            home / "rate.html", page(f"{task.name}: learning rate", [drawn(found)], [said])
        )
    except OSError as error:
        raise RecurraError(f"{home} cannot be written: {reason(error)}") from error
    print(said)
    print(f"curve: {home / 'rate.html'}")


def drawn(found: RangeTest) -> Plot:
    """Return the curve, as far as it is worth looking at."""
    smooth = found.smooth
    top = max(smooth[0], min(smooth)) + (smooth[0] - min(smooth))
    seen = [i for i, loss in enumerate(smooth) if loss <= top]
    lines = {
        "of a batch": [(found.rates[i], min(found.losses[i], top)) for i in seen],
        "median of neighbours": [(found.rates[i], smooth[i]) for i in seen],
    }
    if found.suggestion is not None:
        least = min(smooth)
        lines["suggested"] = [(found.suggestion, least), (found.suggestion, top)]
    return Plot(
        "Loss while the rate grows",
        lines,
        "learning rate of the step",
        "loss, mean of a batch",
        log_across=True,
        note="Each rate takes one step of training, on the next batch. Beyond the lowest point, "
        "rates are too large; the suggestion is a tenth of the rate there.",
    )


def _shown(rates: Sequence[float]) -> Iterable[float]:
    from recurra.training.progress import shown

    return shown(rates, "learning rates")
