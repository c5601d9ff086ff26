"""One small model per application, on embedded data, and a page that shows what they do."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from recurra.demo.page import Section, page
from recurra.demo.showcase import SHOWCASES
from recurra.errors import RecurraError
from recurra.tasks.catalogue import TASKS, find
from recurra.tasks.model import Model, Run
from recurra.tasks.task import Task
from recurra.training.recipe import Recipe


def run(out: Path, *, only: Sequence[str] | None = None, seed: int = 0) -> None:
    """Train the tasks, and write `results.json`, `results.md`, `index.html` and the models.

    Args:
        out: the folder; what an earlier demo left there is replaced.
        only: names of tasks; all where it is not given.
        seed: seed of every run.
    Raises:
        RecurraError: `out` is something else's folder, or a task is unknown.
    """
    tasks = [find(name) for name in only] if only else list(TASKS)
    clear(out)
    began = time.monotonic()
    results, sections = [], []
    for number, task in enumerate(tasks, 1):
        print(f"\n[{number}/{len(tasks)}] {task.name} ({task.type}): {task.summary}", flush=True)
        model = train(task, out, seed)
        results.append(result(model))
        body = SHOWCASES[task.name](model, out)
        sections.append(Section(task, results[-1], body))
    (out / "results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    (out / "results.md").write_text(markdown(results), encoding="utf-8")
    (out / "index.html").write_text(page(sections), encoding="utf-8")
    show(results)
    print(f"{time.monotonic() - began:.0f} s; open {out / 'index.html'}")


def clear(out: Path) -> None:
    """Make an empty folder, in place of an earlier demo's.

    Raises:
        RecurraError: there is something at `out` that no demo wrote.
    """
    mark = out / ".recurra-demo"
    if out.exists() and not mark.exists():
        raise RecurraError(f"{out} exists and is not a demo's folder; choose another --out")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    mark.touch()


def train(task: Task, out: Path, seed: int) -> Model:
    """Return the task's model, trained on the embedded sample."""
    given = {"seed": seed, "out": str(out / "models" / task.name)}
    return Run(task, Recipe.of(task.defaults, task.sample_defaults, given)).train()


def result(model: Model) -> dict[str, Any]:
    """Return the line of `results.json` of one model."""
    metrics = model.metrics
    name = metrics["metric"]
    return {
        "task": model.task.name,
        "type": model.task.type,
        "train_examples": metrics["train_examples"],
        "test_examples": metrics["test_examples"],
        "metric": name,
        "value": round(metrics["test"][name], 4),
        "baseline": round(metrics["baseline"][name], 4),
        "seconds": metrics["seconds"],
    }


def markdown(results: Sequence[dict[str, Any]]) -> str:
    """Return the results as a Markdown table."""
    columns = list(results[0])
    rows = [columns, ["---"] * len(columns), *([str(line[c]) for c in columns] for line in results)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def show(results: Sequence[dict[str, Any]]) -> None:
    """Print the results as a table."""
    table = Table(*results[0], title="held-out data")
    for line in results:
        table.add_row(*(str(value) for value in line.values()))
    Console().print(table)
