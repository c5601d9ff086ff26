"""Questions asked one after the other, each part in its process; what is answered is kept."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from recurra.benchmarks import machine, plots, report, results
from recurra.benchmarks.question import Question, Settings
from recurra.benchmarks.results import Row
from recurra.benchmarks.worker import LEFT_OUT, ROW, Failed, environment, listen
from recurra.storage import replace_text

Say = Callable[[str], None]
Ask = Callable[[Question, str, Settings], Iterator[str]]


class Files(NamedTuple):
    """Where results are written, below one folder."""

    rows: Path
    machine: Path
    page: Path

    @classmethod
    def below(cls, folder: Path) -> Files:
        """Return the places in a checkout, or in any other folder."""
        kept = folder / "benchmarks" / "results"
        return cls(kept / "speed.json", kept / "machine.json", folder / "docs" / "speed.md")


def ask(question: Question, part: str, settings: Settings) -> Iterator[str]:
    """Yield what a worker says, line by line, while it works.

    Raises:
        Failed: it ended with an error.
    """
    words = ["--quick"] if settings.quick else []
    words += ["--data", str(settings.data)] if settings.data else []
    yield from listen(
        "recurra.benchmarks.worker", question.name, part, *words, threads=settings.threads
    )


def run(
    questions: Sequence[Question],
    settings: Settings,
    files: Files | None,
    say: Say = print,
    ask: Ask = ask,
    only: Sequence[str] = (),
) -> list[str]:
    """Ask, write after every part, and return what failed.

    Ctrl-C ends the run: what was answered until then stays.

    Args:
        questions: in their order.
        settings: of all of them.
        files: where to write; None: nowhere.
        say: shows a line.
        ask: question, part, settings → lines of a worker.
        only: parts to ask; all where it is empty.
    """
    failed = []
    for question in questions:
        say(f"{question.name}: {question.asks} About {question.minutes:g} minutes.")
        for part in question.parts:
            if only and part not in only:
                continue
            began, rows, left_out, whole = time.monotonic(), list[Row](), list[str](), False
            try:
                for line in ask(question, part, settings):
                    if line.startswith(ROW):
                        rows.append(results.parse(json.loads(line.removeprefix(ROW))))
                        say("  " + report.line(rows[-1]))
                    elif line.startswith(LEFT_OUT):
                        left_out.append(line.removeprefix(LEFT_OUT).strip())
                        say("  left out: " + left_out[-1])
                whole = True
            except Failed as error:
                failed.append(f"{question.name} {part}: {error}")
                say("  FAILED: " + failed[-1])
            finally:
                if files is not None:
                    keep(files, question, part, rows, left_out, whole=whole)
            say(f"  {part}: {time.monotonic() - began:.0f} s")
    return failed


def keep(
    files: Files,
    question: Question,
    part: str,
    rows: Sequence[Row],
    left_out: Sequence[str],
    *,
    whole: bool,
) -> None:
    """Merge what a part answered into the files."""
    known = machine.read(files.machine)
    if rows:
        here = [replace(row, machine=machine.label(known)) for row in rows]
        results.write(files.rows, results.merge(results.read(files.rows), here, whole=whole))
    missing = {**known.get("left out", {})}
    missing.pop(f"{question.name} {part}", None)
    if left_out:
        missing[f"{question.name} {part}"] = "; ".join(left_out)
    machine.write(files.machine, {**known, "left out": missing})


def measure_machine(settings: Settings, files: Files) -> None:
    """Measure what the machine can do, in a process of its own, and keep it beside the rows."""
    command = [sys.executable, "-m", "recurra.benchmarks.machine", str(settings.threads)]
    done = subprocess.run(
        command, env=environment(settings.threads), capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout.splitlines()[-1])
    machine.write(files.machine, {**machine.read(files.machine), **found})


def write_page(files: Files, questions: Sequence[Question]) -> None:
    """Write the page and its plots from the rows that are kept."""
    rows, known = results.read(files.rows), machine.read(files.machine)
    if not rows:
        return
    order = {question.name: place for place, question in enumerate(questions)}
    rows.sort(key=lambda row: order.get(row.question, len(order)))  # stable: as they were measured
    images = plots.draw(rows, known, files.page.parent / "images")
    replace_text(files.page, report.page(rows, known, questions, images))
