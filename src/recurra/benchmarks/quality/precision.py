"""Does training in 16 bits cost quality? Exams, shortened, in float32 and under autocast."""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from statistics import mean, stdev, variance
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor

from recurra.benchmarks.machine import processor
from recurra.benchmarks.quality.exam import Case, trained
from recurra.benchmarks.quality.exams import find
from recurra.benchmarks.quality.exams.mnist import pixels
from recurra.benchmarks.quality.exams.music import JSB
from recurra.benchmarks.quality.page import shown
from recurra.benchmarks.quality.record import revision
from recurra.cells.base import Cell
from recurra.engines.fused import Fused
from recurra.engines.native import precision
from recurra.engines.native.rows import Rows
from recurra.errors import RecurraError, unknown
from recurra.storage import replace_text

IMAGES = 12_000  # of MNIST's 60,000: what trains and what chooses the weights
PRECISIONS = ("32-true", "bf16-mixed")
SEEDS = (0, 1, 2)
T = 2.776  # Student's, 95 %, 2 (3 - 1) degrees of freedom


class Row(NamedTuple):
    """A shortened exam: its own recipe, but for these fields.

    Args:
        metric: the task's, of the test part.
        scale: of the value: 100 for percent.
        fields: that differ from the exam's recipe.
        note: what else is not as in the exam.
    """

    metric: str
    scale: float
    fields: Mapping[str, Any]
    note: str


ROWS = {
    "sst2": Row("accuracy", 100.0, {}, "the whole exam, its linear model of words and letters too"),
    "mnist-rows": Row(
        "accuracy", 100.0, {"epochs": 2, "average": 0.0}, f"{IMAGES:,} of 60,000 images"
    ),
    "jsb": Row("nll", 1.0, {"epochs": 4}, "the exam's data"),
}


@dataclass(frozen=True, kw_only=True)
class Found:
    """What one row showed.

    Args:
        name: the exam's.
        values: by precision, the metric of each seed.
        seconds: by precision, the mean of a run's, beside whatever else ran.
        share: of the multiplications of recurrent layers, in training in 16 bits, those that took
            bfloat16.
        fields: that differ from the exam's recipe.
        machine: where and when.
        revision: of recurra.
    """

    name: str
    values: dict[str, list[float]]
    seconds: dict[str, float]
    share: float
    fields: dict[str, Any]
    machine: str
    revision: str

    @property
    def difference(self) -> float:
        """Return the mean in 16 bits, less that in 32."""
        wide, narrow = (mean(self.values[one]) for one in PRECISIONS)
        return narrow - wide

    @property
    def noise(self) -> float:
        """Return t √((s₁² + s₂²) / n): a difference of means up to it is the seeds'.

        Half the 95 % interval of Student's test of two samples of n seeds each.
        """
        total = sum(variance(self.values[one]) for one in PRECISIONS)
        return T * math.sqrt(total / len(SEEDS))


class Count:
    """Multiplications of native layers while they train, and those of them in bfloat16."""

    def __init__(self) -> None:
        self.all = self.narrow = 0

    @property
    def share(self) -> float:
        """Return the share in bfloat16."""
        return self.narrow / max(self.all, 1)

    def add(self, fused: Fused, cell: Cell[Any], rows: Rows, lines: Tensor, state: Any) -> Any:
        """Count a layer's call, and run it."""
        if torch.is_grad_enabled():
            product = precision.multiplications(fused, cell, lines)
            self.all += product
            self.narrow += product * precision.narrows(fused, cell, lines, state)
        return precision.run_lines(fused, cell, rows, lines, state)


@contextmanager
def counted() -> Iterator[Count]:
    """Count what the native engine multiplies meanwhile."""
    count = Count()
    with patch("recurra.engines.native.run_lines", count.add):
        yield count


def data(name: str, case: Case) -> Path:
    """Return what the task reads."""
    if name == "jsb":
        return case.data / JSB
    if name != "mnist-rows":
        return case.data
    path = case.place / "mnist.npz"
    (x, y), (x_test, y_test) = pixels(case, "train"), pixels(case, "t10k")
    np.savez(path, x_train=x[:IMAGES], y_train=y[:IMAGES], x_test=x_test, y_test=y_test)
    return path


def sit(name: str, root: Path, quick: bool = False) -> Found:
    """Train a row in each precision with each seed, on one thread."""
    exam, row, commit = find(name), ROWS[name], revision()
    recipe = {**exam.recipe, "max_time": "30m", **row.fields}  # epochs end it: as many in both
    values: dict[str, list[float]] = {one: [] for one in PRECISIONS}
    seconds: dict[str, list[float]] = {one: [] for one in PRECISIONS}
    for seed in SEEDS:
        for kind in PRECISIONS:
            with tempfile.TemporaryDirectory() as place, counted() as count:
                case = Case(exam.place(root), Path(place), seed, 1, quick)
                model = trained(exam.task, case, data(name, case), **{**recipe, "precision": kind})
                values[kind].append(row.scale * model.metrics["test"][row.metric])
                seconds[kind].append(model.metrics["seconds"])
            print(
                f"{name}, seed {seed}, {kind}: {values[kind][-1]:.4g}, "
                f"{seconds[kind][-1]:.0f} s, {count.share:.2f} in 16",
                flush=True,
            )
    return Found(
        name=name,
        values=values,
        seconds={one: round(mean(found), 1) for one, found in seconds.items()},
        share=count.share,
        fields=dict(row.fields),
        machine=f"{processor()}, {date.today().isoformat()}",
        revision=commit,
    )


def read(path: Path) -> list[Found]:
    """Return what is kept, nothing where there is no file."""
    if not path.exists():
        return []
    return [Found(**one) for one in json.loads(path.read_text(encoding="utf-8"))]


def keep(path: Path, new: Found) -> None:
    """Write a row in the place of the old one of its name."""
    rows = {one.name: one for one in [*read(path), new]}
    kept = [asdict(rows[name]) for name in ROWS if name in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_text(path, json.dumps(kept, indent=1) + "\n")


INTRODUCTION = f"""\
# Training in 16 bits

Does training under autocast to bfloat16 (`precision=bf16-mixed`) cost quality on a CPU? Exams of
[quality.md](quality.md), shortened, trained with {len(SEEDS)} seeds in float32 and in 16 bits: the
same weights at the start, the same batches. Written by
`python -m recurra.benchmarks.quality.precision`, from
[`benchmarks/results/precision.json`](../benchmarks/results/precision.json); no figure was typed.

- **±** is the standard deviation of the seeds. **noise** is half the 95 % interval of a difference
  of two means of {len(SEEDS)} seeds each, by Student's test: a smaller difference is the seeds'.
  So few seeds cannot tell a cost below it from none.
- **in 16** is the share of the native engine's multiplications in training that took bfloat16:
  little ones, and all where the processor has no unit for bfloat16, take float32. torch's own
  layers (projections, outputs) follow autocast besides, and are not counted.

| exam | metric | float32 | 16 bits | difference | noise | | in 16 |
|---|---|--:|--:|--:|--:|---|--:|
"""


def page(rows: Sequence[Found]) -> str:
    """Return docs/precision.md."""
    lines, notes = "", "\n"
    for row in rows:
        exam = find(row.name)
        wide, narrow = (
            f"{shown(mean(row.values[one]))} ± {shown(stdev(row.values[one]))}"
            for one in PRECISIONS
        )
        lines += (
            f"| {row.name} | {exam.metric} {'↓' if exam.lower else '↑'} | {wide} | {narrow} "
            f"| {row.difference:+.4f} | {shown(row.noise)} | {verdict(row)} | {row.share:.0%} |\n"
        )
        changed = ", ".join(f"{name}={value}" for name, value in row.fields.items())
        notes += (
            f"- {row.name}: {ROWS[row.name].note}{f'; {changed}' if changed else ''}; "
            f"{row.machine}; recurra {row.revision}\n"
        )
        for one in PRECISIONS:
            notes += f"  - {one}: {', '.join(map(shown, row.values[one]))}\n"
    return INTRODUCTION + lines + notes


def verdict(row: Found) -> str:
    """Return whether the seeds differ as much, and who is better where they do not."""
    if abs(row.difference) <= row.noise:
        return "within noise"
    better = row.difference < 0 if find(row.name).lower else row.difference > 0
    return "16 bits are better" if better else "**float32 is better**"


def main(argv: Sequence[str] | None = None) -> int:
    """Sit rows, all where none is named, and write results and page; return an exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("rows", nargs="*", help=", ".join(ROWS))
    parser.add_argument("--data-root", type=Path, default=Path("data"))
    parser.add_argument("--out", type=Path, default=Path())
    parser.add_argument("--quick", action="store_true", help="one epoch; nothing is written")
    parser.add_argument("--page", action="store_true", help="train nothing; write the page again")
    given = parser.parse_args(argv)
    results = given.out / "benchmarks" / "results" / "precision.json"
    place = given.out / "docs" / "precision.md"
    try:
        for name in () if given.page else given.rows or ROWS:
            if name not in ROWS:
                raise unknown("row", name, list(ROWS))
            found = sit(name, given.data_root, given.quick)
            if not given.quick:
                keep(results, found)
    except RecurraError as error:
        print(error, file=sys.stderr)
        return 1
    if not given.quick:
        place.parent.mkdir(parents=True, exist_ok=True)
        replace_text(place, page(read(results)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
