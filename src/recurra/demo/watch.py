"""How far each model of the demo is: bars on a terminal, one line per model elsewhere."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from recurra.tasks.task import Task
from recurra.training.recipe import Recipe


class Watch:
    """Reads the runs' logs, which the workers write, and shows them.

    Args:
        tasks: in the order of their start.
        out: the demo's folder.
    """

    def __init__(self, tasks: Sequence[Task[Any]], out: Path) -> None:
        self.out, self.count = out, len(tasks)
        self.console = Console()
        self.over = threading.Event()
        self.bars = Progress(
            TextColumn("{task.description:<22}"),
            BarColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[said]}"),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self.tasks = tasks
        self.rows = {
            t.name: self.bars.add_task(t.name, total=1.0, said="", start=False) for t in tasks
        }
        self.seen = 0

    def __enter__(self) -> Watch:
        """Show the bars."""
        if self.console.is_terminal:
            self.bars.start()
            threading.Thread(target=self._follow, daemon=True).start()
        else:
            print(f"training {self.count} models, two at a time", flush=True)
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bars down."""
        self.over.set()
        self.bars.stop()

    def finished(self, task: Task[Any], result: dict[str, Any]) -> None:
        """Show what a model reached."""
        self.seen += 1
        said = (
            f"{result['metric']} {result['value']} (trivial baseline {result['baseline']}), "
            f"{result['seconds']} s"
        )
        self.bars.update(self.rows[task.name], completed=1.0, said=said)
        if not self.console.is_terminal:
            print(f"[{self.seen}/{self.count}] {task.name} ({task.type}): {said}", flush=True)

    def _follow(self) -> None:
        while not self.over.wait(0.5):
            for task in self.tasks:
                row = self.rows[task.name]
                entry = last(self.out / "models" / task.name / "metrics.jsonl")
                validated = entry is not None and task.criterion in entry
                if entry is not None and validated and not self.bars.tasks[row].finished:
                    epochs = Recipe.of(task.defaults, task.sample_defaults).epochs
                    self.bars.start_task(row)
                    said = f"{task.criterion} {entry[task.criterion]:.4g}"
                    self.bars.update(row, completed=0.95 * entry["epoch"] / epochs, said=said)


def last(log: Path) -> dict[str, Any] | None:
    """Return the last whole entry of a run's log, if there is one."""
    try:
        entry: dict[str, Any] = json.loads(log.read_text(encoding="utf-8").splitlines()[-1])
    except (OSError, IndexError, ValueError):
        return None
    return entry
