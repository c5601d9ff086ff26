"""What was taken for what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from recurra.reports.table import MOST
from recurra.reports.text import told

Pair = tuple[str | None, str | None]
OFTEN = 10  # confusions that are named under the table
NAME = 40  # characters of a class


class Grid(NamedTuple):
    """A row for each class wanted, a column for each one answered; the first `single` are one."""

    single: int
    rows: list[str]
    columns: list[str]
    counts: list[list[int]]


@dataclass(frozen=True)
class Confusion:
    """How often each class was taken for each.

    Args:
        labels: the classes.
        counts: by (wanted, answered). A wanted None is what was answered where there is nothing,
            an answered None what was there and not found; a task that finds things has them.
        missed: the column of what was not found; "" where all rows have an answer.
        spurious: the row of what is not there.
        title: what it is about.
    """

    labels: Sequence[str]
    counts: Mapping[Pair, int]
    missed: str = ""
    spurious: str = ""
    title: str = "Confusions"

    @property
    def note(self) -> str:
        """How to read it, and what is not shown one by one."""
        text = "A row for each class wanted, a column for each one answered."
        if len(self.labels) > MOST:
            text += f" The {MOST} most frequent of {len(self.labels):,} classes; the rest together."
        return text

    def grid(self) -> Grid:
        """Return the table: the most frequent classes in their order, the others together."""
        seen: Counter[str] = Counter()
        for pair, count in self.counts.items():
            for label in pair:
                if label is not None:
                    seen[label] += count
        ranked = sorted(self.labels, key=lambda label: -seen[label])
        kept = set(ranked[:MOST])
        names = [label for label in self.labels if label in kept]
        place = {label: i for i, label in enumerate(names)}
        left = len(self.labels) - len(names)
        others = [f"{left:,} others"] * (left > 0)
        rows = [*names, *others, *[self.spurious] * bool(self.spurious)]
        columns = [*names, *others, *[self.missed] * bool(self.missed)]
        counts = [[0] * len(columns) for _ in rows]
        for (wanted, answered), count in self.counts.items():
            row = len(rows) - 1 if wanted is None else place.get(wanted, len(names))
            column = len(columns) - 1 if answered is None else place.get(answered, len(names))
            counts[row][column] += count
        return Grid(len(names), rows, columns, counts)

    def often(self) -> list[tuple[str, str, int]]:
        """Return the most frequent confusions: wanted, answered, how often."""
        wrong = [
            (self.spurious if w is None else w, self.missed if a is None else a, count)
            for (w, a), count in self.counts.items()
            if w != a and count
        ]
        return sorted(wrong, key=lambda one: (-one[2], one[:2]))[:OFTEN]

    def html(self) -> str:
        """Return the table, and the most frequent confusions in words."""
        single, rows, columns, counts = self.grid()
        head = "".join(f'<th class="number">{told(name, NAME)}</th>' for name in columns)
        lines = "".join(
            f"<tr><th>{told(name, NAME)}</th>{_cells(line, i if i < single else -1)}</tr>"
            for i, (name, line) in enumerate(zip(rows, counts, strict=True))
        )
        said = "; ".join(
            f"{told(wanted, NAME)} → {told(answered, NAME)} {count:,}×"
            for wanted, answered, count in self.often()
        )
        table = f'<div class="wide"><table><tr><th></th>{head}</tr>{lines}</table></div>'
        return table + (f"<p>Most often: {said}</p>" if said else "<p>There are none.</p>")


def _cells(line: Sequence[int], right: int) -> str:
    """Return a row's cells, the stronger the larger their share; `right` is the right column."""
    total = max(sum(line), 1)
    cells = []
    for column, count in enumerate(line):
        hue = 140 if column == right else 8
        style = f' style="background:hsla({hue},60%,50%,{0.7 * count / total:.2f})"' * bool(count)
        cells.append(f'<td class="number"{style}>{f"{count:,}" if count else "·"}</td>')
    return "".join(cells)
