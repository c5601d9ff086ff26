"""One small model per application, on embedded data, and a page that shows what they do."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from recurra.demo.page import Section, page
from recurra.demo.showcases import SHOWCASES
from recurra.demo.watch import Watch
from recurra.errors import RecurraError
from recurra.tasks.catalogue import TASKS, find
from recurra.tasks.model import Model
from recurra.tasks.run import Run, complete
from recurra.tasks.task import Task
from recurra.training.recipe import Recipe

LONGEST_FIRST = ("image_captioning", "speech_recognition", "translation", "music_generation")


def run(out: Path, *, only: Sequence[str] | None = None, seed: int = 0) -> None:
    """Train the tasks, and write `results.json`, `results.md`, `index.html` and the models.

    Models this small gain little from a second thread, so two train at a time, one core each.

    Args:
        out: the folder; what an earlier demo left there is replaced.
        only: names of tasks; all where it is not given.
        seed: seed of every run.
    Raises:
        RecurraError: `out` is something else's folder, or a task is unknown.
    """
    tasks = [find(name) for name in only] if only else list(TASKS)
    Recipe.of({"seed": seed})  # refused before anything is cleared
    clear(out)
    began = time.monotonic()
    done = work(tasks, out, seed)
    sections = [Section(task, *done[task.name]) for task in tasks]
    results = [section.result for section in sections]
    (out / "results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    (out / "results.md").write_text(markdown(results), encoding="utf-8")
    (out / "index.html").write_text(page(sections), encoding="utf-8")
    show(results)
    print(f"{time.monotonic() - began:.0f} s in all; open {out / 'index.html'}")


def clear(out: Path) -> None:
    """Make an empty folder, in place of an earlier demo's.

    Raises:
        RecurraError: there is something at `out` that no demo wrote.
    """
    mark = out / ".recurra-demo"
    if out.exists() and not mark.exists():
        raise RecurraError(f"{out} exists and is not a demo's folder; choose another --out")
    shutil.rmtree(out, ignore_errors=True)  # mostly there is none
    out.mkdir(parents=True)
    mark.touch()


def work(tasks: Sequence[Task[Any]], out: Path, seed: int) -> dict[str, tuple[dict[str, Any], str]]:
    """Return result and page section of each task, by name."""
    order = sorted(tasks, key=lambda t: t.name not in LONGEST_FIRST)
    done: dict[str, tuple[dict[str, Any], str]] = {}
    workers = min(2, os.cpu_count() or 1, len(tasks))
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
    try:
        with Watch(order, out) as watch:
            futures: dict[Future[Any], Task[Any]] = {
                pool.submit(one, task.name, out, seed): task for task in order
            }
            for future in as_completed(futures):
                task = futures[future]
                done[task.name] = future.result()
                watch.finished(task, done[task.name][0])
    finally:
        pool.shutdown(cancel_futures=True)
    return done


def one(name: str, out: Path, seed: int) -> tuple[dict[str, Any], str]:
    """Train one task's model on one core; return its result and its section of the page."""
    torch.set_num_threads(1)
    task = find(name)
    given = {"seed": seed, "out": str(out / "models" / name), "threads": 1}
    model = Run(task, complete(task, given), quiet=True).train()
    return result(model), SHOWCASES[name](model, out)


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
    table = Table("task", "metric", "value", "baseline", "test", "seconds", title="held-out data")
    for line in results:
        table.add_row(
            line["task"],
            line["metric"],
            *(f"{line[key]:.4f}" for key in ("value", "baseline")),
            *(str(line[key]) for key in ("test_examples", "seconds")),
        )
    Console().print(table)
