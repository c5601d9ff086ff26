"""Exams one after the other, each seed in its own process; what is answered is kept."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from recurra.benchmarks import machine
from recurra.benchmarks.quality import page, record
from recurra.benchmarks.quality.exam import Answer, Exam
from recurra.benchmarks.quality.worker import ANSWER, LEFT_OUT, PEER
from recurra.benchmarks.worker import Failed, listen
from recurra.storage import replace_text

Say = Callable[[str], None]


class Settings(NamedTuple):
    """What a run of exams has in common.

    Args:
        data: the root of all data sets.
        threads: of recurra and its peers.
        seeds: how many; 0: as many as each exam asks for.
        quick: one epoch, one seed, nothing written.
        pace: the time of an epoch alone is measured.
    """

    data: Path
    threads: int
    seeds: int = 0
    quick: bool = False
    pace: bool = False


class Files(NamedTuple):
    """Where results are written, below one folder."""

    rows: Path
    page: Path
    readme: Path

    @classmethod
    def below(cls, folder: Path) -> Files:
        """Return the places in a checkout, or in any other folder."""
        rows = folder / "benchmarks" / "results" / "quality.json"
        return cls(rows, folder / "docs" / "quality.md", folder / "README.md")


Ask = Callable[[Exam, int, Settings], Iterator[str]]


def ask(exam: Exam, seed: int, settings: Settings) -> Iterator[str]:
    """Yield what a worker says, line by line; what it shows of its work goes on to our own stderr.

    Raises:
        Failed: it ended with an error.
    """
    words = ["--data", str(settings.data), "--seed", str(seed)]
    words += ["--quick"] * settings.quick + ["--pace"] * settings.pace
    yield from listen(
        "recurra.benchmarks.quality.worker", exam.name, *words, threads=settings.threads, aloud=True
    )


def run(
    exams: Sequence[Exam],
    settings: Settings,
    files: Files | None,
    say: Say = print,
    ask: Ask = ask,
) -> list[str]:
    """Sit the exams, write after every seed, and return what failed.

    Args:
        exams: in their order.
        settings: of all of them.
        files: where to write; None: nowhere.
        say: shows a line.
        ask: exam, seed, settings → lines of a worker.
    """
    failed = []
    for exam in exams:
        seeds = 1 if settings.quick else settings.seeds or exam.seeds
        limit = f"At most {seeds * exam.minutes:g} minutes, peers aside."
        say(f"{exam.name}: {exam.protocol} {limit}")
        data = record.digest(exam.place(settings.data), exam.files)
        answers = []
        for seed in range(seeds):
            began = time.monotonic()
            try:
                answers.append((seed, *sat(exam, seed, settings, say, ask)))
            except Failed as error:
                failed.append(f"{exam.name}, seed {seed}: {error}")
                say("  FAILED: " + failed[-1])
                continue
            say(f"  seed {seed}: {time.monotonic() - began:.0f} s with its peers")
            if files is not None:
                row = record.row(
                    exam,
                    answers,
                    threads=settings.threads,
                    command=f"recurra bench quality {exam.name} --data-root DIR",
                    revision=record.revision(),
                    data_sha256=data,
                    machine=machine.label(machine.read(files.rows.with_name("machine.json")))
                    or machine.processor(),
                )
                record.write(files.rows, record.merge(record.read(files.rows), row))
    return failed


def pace(
    exams: Sequence[Exam], settings: Settings, files: Files, say: Say = print, ask: Ask = ask
) -> list[str]:
    """Measure the times of an epoch again, for the rows that are there, and return what failed.

    With as many threads as the row has; all else in it stays.
    """
    failed = []
    rows = {row.name: row for row in record.read(files.rows)}
    for exam in exams:
        if exam.name not in rows:
            say(f"{exam.name}: no row yet; sit the exam first, without --pace")
            continue
        row = rows[exam.name]
        try:
            own = settings._replace(threads=row.threads, pace=True)
            answer, _ = sat(exam, 0, own, lambda _: None, ask)
        except Failed as error:
            failed.append(f"{exam.name}: {error}")
            continue
        say(f"{exam.name}: " + ", ".join(f"{who} {s:.4g} s" for who, s in answer.epochs.items()))
        changed = replace(row, epochs=answer.epochs)
        record.write(files.rows, record.merge(record.read(files.rows), changed))
    return failed


def sat(
    exam: Exam, seed: int, settings: Settings, say: Say, ask: Ask
) -> tuple[Answer, dict[str, dict[str, float]]]:
    """Return recurra's answer, and the peers'.

    Raises:
        Failed: recurra has none.
    """
    ours: Answer | None = None
    peers: dict[str, dict[str, float]] = {}
    for line in ask(exam, seed, settings):
        if line.startswith(ANSWER):
            ours = Answer(**json.loads(line.removeprefix(ANSWER)))
            say(f"  recurra: {exam.metric} {ours.value:.4g}, {ours.seconds:.0f} s  {ours.note}")
        elif line.startswith(PEER):
            name, found = json.loads(line.removeprefix(PEER))
            peers[name] = found
            say(f"  {name}: {', '.join(f'{key} {value:.4g}' for key, value in found.items())}")
        elif line.startswith(LEFT_OUT):
            say("  left out: " + line.removeprefix(LEFT_OUT).strip())
    if ours is None:
        raise Failed("no answer came")
    return ours, peers


def write_page(files: Files, exams: Sequence[Exam]) -> None:
    """Write the page, and the README's table where it has a place for it, from what is kept."""
    rows = record.read(files.rows)
    if not rows:
        return
    order = {exam.name: place for place, exam in enumerate(exams)}
    rows.sort(key=lambda row: order.get(row.name, len(order)))
    files.page.parent.mkdir(parents=True, exist_ok=True)
    replace_text(files.page, page.whole(rows, exams))
    if files.readme.exists():
        text = files.readme.read_text(encoding="utf-8")
        if (changed := page.within(text, page.short(rows, exams))) != text:
            replace_text(files.readme, changed)
