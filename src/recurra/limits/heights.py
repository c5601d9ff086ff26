"""How far each way got on a ladder, as tables and a drawing."""

from __future__ import annotations

import math
from statistics import median

from recurra.limits.climb import Ladder, Runs
from recurra.limits.fitting import SHARE
from recurra.reports import Plot, Table
from recurra.reports.table import Cell


def longest(ladder: Ladder, found: Runs, way: str) -> int:
    """Return the longest length up to which a way solves all with every seed; 0: none."""
    reached = 0
    for steps in ladder.lengths:
        runs = found.get((way, steps), [])
        if not runs or not all(one.solved for one in runs):
            break
        reached = steps
    return reached


def share(ladder: Ladder, found: Runs, way: str, steps: int) -> float | None:
    """Return the seeds' median error as a share of chance, or None: not tried."""
    runs = found.get((way, steps))
    if not runs:
        return None
    return median(one.error for one in runs) / ladder.problem(steps).chance


def table(ladder: Ladder, found: Runs) -> Table:
    """Return the errors as shares of chance, and how far each way got."""
    rows = list[list[Cell]]()
    for way in ladder.ways:
        shares = [share(ladder, found, way.name, steps) for steps in ladder.lengths]
        reached = longest(ladder, found, way.name)
        last = found.get((way.name, reached), [])
        rows.append(
            [
                way.name,
                "recurra" if way.ours else "PyTorch, as it starts",
                *map(_told, shares),
                str(reached) if reached else "none",
                f"{median(one.updates for one in last):.0f}" if last else "–",
                f"{median(one.seconds for one in last):.0f}" if last else "–",
            ]
        )
    head = [f"T = {steps}" for steps in ladder.lengths]
    return Table(
        f"{ladder.name}: error as a share of chance",
        ["layer", "whose", *head, "longest solved", "updates", "seconds"],
        rows,
        f"Solved: below {SHARE:g} on rows that were not trained on, with every seed. –: not tried, "
        "as a shorter one was not solved. Seconds: of the processor.",
    )


def grown(ladder: Ladder, found: Runs) -> Table:
    """Return how far each way got while the length grew."""
    rows = list[list[Cell]]()
    for way in ladder.ways:
        reached = longest(ladder, found, way.name)
        tried = [steps for steps in ladder.lengths if (way.name, steps) in found]
        stages = [found[way.name, steps] for steps in tried]
        last = median(one.error for one in stages[-1]) / ladder.problem(tried[-1]).chance
        rows.append(
            [
                way.name,
                "recurra" if way.ours else "PyTorch, as it starts",
                str(reached) if reached else "none",
                str(tried[-1]),
                _told(last),
                f"{median(one.updates for one in stages[-1]):.0f}",
                f"{sum(median(one.seconds for one in stage) for stage in stages):.0f}",
            ]
        )
    head = [
        "layer",
        "whose",
        "longest solved",
        "last tried",
        "error there",
        "updates",
        "seconds",
    ]
    lengths = ", ".join(map(str, ladder.lengths))
    note = f"Lengths: {lengths}; each as soon as the one before is solved. Error: share of chance. "
    note += "Seconds: of the processor."
    return Table(f"{ladder.name}, the length growing", head, rows, note)


def plot(ladder: Ladder, found: Runs) -> Plot:
    """Return the errors over the length."""
    lines = {}
    for way in ladder.ways:
        shares = [(steps, share(ladder, found, way.name, steps)) for steps in ladder.lengths]
        lines[way.name] = [(float(steps), one) for steps, one in shares if one is not None]
    return Plot(
        ladder.name,
        lines,
        "length T (steps)",
        "error (share of chance)",
        log=True,
        log_across=True,
        limits={"chance": 1.0, f"solved: {SHARE:g}": SHARE},
    )


def _told(part: float | None) -> str:
    if part is None:
        return "–"
    return f"{part:.3f}" if math.isfinite(part) else "no number"
