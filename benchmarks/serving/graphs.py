"""Exported models: whether they say the same, how fast a step is, how large and quick a page is."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.serving.models import CHANNELS
from benchmarks.serving.question import Found, Settings


def parity(settings: Settings) -> Iterator[Found]:
    """Yield the largest difference between ways to compute the same, of tasks and of cells."""
    from benchmarks.serving.parity import measure

    found = measure()
    tasks = [{"task": name, **worst(told)} for name, told in found["tasks"].items()]
    yield Found("tasks", max(one["largest"] for one in tasks), tasks)
    cells = dict[str, dict[str, float]]()
    for told in found["cells"]:
        row = cells.setdefault(told["cell"], {})
        here = worst(told)["largest"]
        row[told["topology"]] = max(row.get(told["topology"], 0.0), here)
    details = [{"cell": name, **row} for name, row in cells.items()]
    combinations = f"{len(found['cells'])} combinations of cell, layer and topology"
    yield Found(
        "cells", max(worst(row)["largest"] for row in cells.values()), details, combinations
    )


def worst(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return the largest of the numbers that are told, and how it was found."""
    numbers = {how: value for how, value in told.items() if isinstance(value, float)}
    how = max(numbers, key=lambda name: numbers[name], default="")
    return {"largest": numbers.get(how, 0.0), "by": how}


def step(settings: Settings) -> Iterator[Found]:
    """Yield how many times as fast a step is as the usual one, by two clocks."""
    from benchmarks.serving.onnx_step import measure

    found = measure()
    for name, clock in {"wall": "the wall's clock", "thread": "the thread's own time"}.items():
        told = found[name]
        micro = {key: round(value, 2) for key, value in told.items() if key != "faster"}
        note = f"{found['repetitions']} blocks; outputs {found['apart']:.0e} apart"
        yield Found(clock, round(told["faster"], 2), [micro], note)


def size(settings: Settings) -> Iterator[Found]:
    """Yield the megabytes of a page with one tagger."""
    told = page(settings.models.tagger)
    yield Found("one tagger", round(told["bytes"] / 1e6, 1))


def first(settings: Settings) -> Iterator[Found]:
    """Yield the seconds to the first answer of a page with one tagger."""
    told = page(settings.models.tagger)
    later = f"a later answer takes {1000 * told['answer_seconds']:.1f} ms"
    yield Found("one tagger", round(told["first_answer_seconds"], 2), note=later)


@cache
def page(model: Path) -> dict[str, float]:
    """Return what a browser says of a model that was exported for the web.

    Raises:
        subprocess.CalledProcessError: it cannot be exported.
    """
    from benchmarks.serving.web import measure

    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "recurra", "export", str(model), "--to", folder, "--web"]
        subprocess.run(command, capture_output=True, check=True)
        return measure(Path(folder), model.name, {"values": [[0.5] * CHANNELS] * 20})
