"""Memory of training: it grows with the length, and need not."""

from __future__ import annotations

import time

from recurra.benchmarks.long import EVERY, WAYS, step_of
from recurra.benchmarks.question import Settings
from recurra.benchmarks.questions.long import peak
from recurra.limits.case import Case
from recurra.limits.experiment import Experiment
from recurra.limits.finding import Limit
from recurra.reports import Plot, Table

NAMES = {
    "plain": "a graph of everything",
    "states": f"checkpoint_every={EVERY}",
    "chunks": f"step_losses, every={EVERY}",
}


def run(case: Case) -> Limit:
    """Measure peak memory in processes of their own, and the processor's time here."""
    lengths = case.choose((4096, 16384, 65536), (8192,))
    cells = case.choose(("MinGRU", "LSTM"), ("MinGRU",))
    width, settings = case.choose(256, 128), Settings(case.threads)
    lines, rows = dict[str, list[tuple[float, float]]](), list[list[str | int | float | None]]()
    for cell in cells:
        for steps in lengths:
            case.progress(f"{cell}, {steps:,} steps")
            memory = {way: peak(cell, way, steps, width, settings) for way in WAYS}
            took = seconds(cell, steps, width, case.choose(2, 1))
            for way in WAYS:
                lines.setdefault(f"{cell}, {NAMES[way]}", []).append((steps, memory[way]))
                ratio = took[way] / took["plain"]
                rows.append([cell, NAMES[way], steps, memory[way], took[way], ratio])
    found = {(row[0], row[1]): row for row in rows}  # the longest come last
    first = found[cells[0], NAMES["plain"]], found[cells[0], NAMES["chunks"]]
    return Limit(
        name=EXPERIMENT.name,
        kind=EXPERIMENT.kind,
        title=EXPERIMENT.title,
        fails="A gradient through time needs what every step has computed: memory grows with the "
        "length, as the outputs do.",
        cure="Recurrent(checkpoint_every=…), --checkpoint-every; or layers.step_losses, which "
        "takes the loss into the chunks",
        verdict=f"{lengths[-1]:,} steps of a {cells[0]}: {first[0][3]:.0f} MB with a graph of "
        f"everything, {first[1][3]:.0f} MB by step_losses, in {first[1][5]:.2f} times the time.",
        measured=f"One sequence of random bytes, embedding, state and head {width} wide, "
        f"{case.threads} threads. Memory: what a train step adds to a fresh process at its peak. "
        "Time: of the processor, the least of some steps taken in turn.",
        plots=(
            Plot(
                "Peak memory of a train step",
                lines,
                "steps of the sequence",
                "memory, MB",
                log=True,
                log_across=True,
            ),
        ),
        tables=(
            Table(
                "Memory and time",
                ["cell", "how", "steps", "MB", "seconds", "times the plain one"],
                rows,
            ),
        ),
    )


def seconds(cell: str, steps: int, width: int, rounds: int) -> dict[str, float]:
    """Return the processor's time of a train step in each way, the least of some rounds."""
    runs = {way: step_of(cell, way, steps, width) for way in WAYS}
    least = dict.fromkeys(WAYS, float("inf"))
    for _ in range(rounds):
        for way, step in runs.items():
            began = time.process_time()
            step()
            least[way] = min(least[way], time.process_time() - began)
    return least


EXPERIMENT = Experiment("memory", "weakness", "Memory of training grows with length", 110, 12, run)
