"""The page beside a model: its figures, how it was trained, and its mistakes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

import torch

from recurra import bundle
from recurra.errors import RecurraError
from recurra.reports import Curve, Part, Table, page
from recurra.storage import reason, replace_text
from recurra.tasks.task import LOWER_IS_BETTER
from recurra.training.checkpoint import RunFolder
from recurra.training.recipe import Recipe

if TYPE_CHECKING:
    from recurra.tasks.model import Model

REVIEWED = 1000  # test rows that are looked at one by one
ENDINGS = (".html", ".htm")
LARGEST = 1e300  # of the numbers that are drawn


class Tested(NamedTuple):
    """Test rows, and what they have said.

    Args:
        rows: as they were read; the first `REVIEWED` are enough.
        total: how many there are in all.
        recipe: the model's, or one that decodes otherwise.
        metrics: of all of them.
        others: by name, what baseline and peers reach on them.
    """

    rows: Sequence[Any]
    total: int
    recipe: Recipe
    metrics: Mapping[str, float]
    others: Mapping[str, Mapping[str, float]]


def write(path: Path, model: Model, tested: Tested) -> None:
    """Write the page about a model's answers to test rows.

    Raises:
        RecurraError: a row cannot be used, or the disk refused.
    """
    text = page(model.task.name, parts(model, tested), lead(model, tested))
    try:
        replace_text(path, text)
    except OSError as error:
        raise RecurraError(f"{path} cannot be written: {reason(error)}") from error


def place(path: str | Path) -> Path:
    """Return where a page is written that a user asks for: the file, or a folder's report.html.

    Raises:
        RecurraError: it would be no page.
    """
    found = Path(path)
    if found.is_dir():
        return found / bundle.REPORT
    if found.suffix.lower() not in ENDINGS or not found.parent.is_dir():
        raise RecurraError(
            f"report: received {path}; give a folder, or a file in one that ends in .html"
        )
    return found


def lead(model: Model, tested: Tested) -> list[str]:
    """Return what a reader must know before all else."""
    task, recipe = model.task, tested.recipe
    said = f"{tested.total:,} test rows of {recipe.data or 'the embedded sample'}."
    if task.review and tested.total > REVIEWED:
        said += f" What stands below the curves is of the first {REVIEWED:,} of them."
    return [f"{task.summary} ({task.type})", f"Cell {recipe.cell}, seed {recipe.seed}. {said}"]


def parts(model: Model, tested: Tested) -> list[Part]:
    """Return the sections of the page."""
    found: list[Part] = [figures(tested.metrics, tested.others), *curves(model)]
    if model.task.review:
        model.network.eval()
        some = tested.rows[:REVIEWED]
        with torch.inference_mode():
            found += model.task.review(model.network, model.codec, some, tested.recipe)
    return found


def figures(metrics: Mapping[str, float], others: Mapping[str, Mapping[str, float]]) -> Table:
    """Return what the test part said, beside what others reach on it."""
    rows = [
        [
            f"{name} ↓" if name in LOWER_IS_BETTER else name,
            value,
            *(o.get(name) for o in others.values()),
        ]
        for name, value in metrics.items()
    ]
    return Table("Test part", ["metric", "model", *others], rows, "↓: lower is better.")


def beside(metrics: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Return baseline and peers, by name, of the metrics of a model; none before it was tested."""
    if not metrics:
        return {}
    return {"trivial baseline": metrics["baseline"], **metrics.get("peers", {})}


def curves(model: Model) -> list[Curve]:
    """Return how losses and the criterion went along, where the run's log is there."""
    log = [] if model.folder is None else RunFolder(model.folder).entries()
    best, name = model.metrics.get("best_step"), model.task.criterion
    mark = best if isinstance(best, int) else None
    note = "The dashed line: the step whose weights were kept."
    losses = {"training": _line(log, "train_loss"), "validation": _line(log, "loss")}
    found = [Curve("Loss", {key: line for key, line in losses.items() if line}, mark, note)]
    if name not in ("loss", "nll"):
        found.append(Curve(name, {"validation": _line(log, name)}, mark, note))
    return found if any(losses.values()) else []


def _line(log: Sequence[Mapping[str, Any]], name: str) -> list[tuple[float, float]]:
    """Return the points of one number of the log; whatever else a file may hold is left out."""
    pairs = [(entry.get("step"), entry.get(name)) for entry in log]
    return [(float(x), float(y)) for x, y in pairs if _is_number(x) and _is_number(y)]


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and abs(value) <= LARGEST
