"""Measure serving: `python -m benchmarks.serving [--only NAME,NAME] [--quick]`."""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import torch

from benchmarks.serving import figures
from benchmarks.serving.figures import Row
from benchmarks.serving.models import Workshop
from benchmarks.serving.page import number, page
from benchmarks.serving.question import Question, Settings
from benchmarks.serving.questions import QUESTIONS
from recurra.benchmarks import machine
from recurra.benchmarks.timing import Pace
from recurra.errors import RecurraError
from recurra.storage import replace_text

ROOT = Path(__file__).parents[2]
PACKAGES = ("torch", "fastapi", "uvicorn", "uvloop", "websockets", "httptools", "onnxruntime")


def main(words: Sequence[str] | None = None) -> int:
    """Measure what is asked for, write it, and return an exit code."""
    parser = argparse.ArgumentParser("benchmarks.serving", description=__doc__)
    names = [question.name for question in QUESTIONS]
    parser.add_argument("--only", default=",".join(names), help=f"of {', '.join(names)}")
    parser.add_argument("--quick", action="store_true", help="little of all; nothing is written")
    parser.add_argument("--frames", type=int, default=1_000_000, help="of the simulated day")
    parser.add_argument("--requests", type=int, default=100_000, help="that are malformed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=ROOT, help="below which to write")
    given = parser.parse_args(words)
    wanted = given.only.split(",")
    if wrong := set(wanted) - set(names):
        parser.error(f"--only: there is no {', '.join(sorted(wrong))}; give {', '.join(names)}")
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            Workshop(Path(folder)), given.quick, given.frames, given.requests, given.seed
        )
        here = "" if given.quick else measured_here()
        for question in QUESTIONS:
            if question.name in wanted:
                failed += not asked(question, settings, here, None if given.quick else given.folder)
    return min(failed, 1)


def asked(question: Question, settings: Settings, here: str, folder: Path | None) -> bool:
    """Answer a question, show and write its rows; whether it could be answered."""
    began, rows = time.monotonic(), list[Row]()
    print(f"{question.name}: {question.asks}", flush=True)
    try:
        for found in question.answer(settings):
            told = asdict(found)
            demanded = told.pop("asked")
            bounds = {"must": question.must, "aim": question.aim} if demanded else {}
            named = {"question": question.name, "unit": question.unit, "less": question.less}
            rows.append(Row(**named, **bounds, **told, machine=here))
            print(f"  {shown(rows[-1])}", flush=True)
    # whatever one question dies of, the others are still asked
    except Exception as error:
        print(f"  FAILED: {' '.join(f'{type(error).__name__}: {error}'.split())}", flush=True)
        return False
    print(f"  {time.monotonic() - began:.0f} s", flush=True)
    if folder is not None:
        keep(folder, rows)
    return True


def shown(row: Row) -> str:
    """Return a row for the screen."""
    return f"{row.part}: {number(row.figure)} {row.unit}  {row.verdict}  {row.note}".rstrip()


def keep(folder: Path, rows: Sequence[Row]) -> None:
    """Write the rows beside those of other questions, and the page from all."""
    names = [question.name for question in QUESTIONS]
    path = folder / "benchmarks" / "results" / "serving.json"
    merged = figures.merge(figures.read(path, names), rows, names)
    figures.write(path, merged)
    (folder / "docs").mkdir(parents=True, exist_ok=True)
    replace_text(folder / "docs" / "serving.md", page(merged, QUESTIONS))


def measured_here() -> str:
    """Return machine, day and versions in one line."""
    threads = torch.get_num_threads()
    known = machine.describe(threads, Pace(budget=1.0))
    software = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"{machine.label(known)}, Python {platform.python_version()}, {software}"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RecurraError as error:
        sys.exit(f"benchmarks.serving: {error}")
