"""Rows of numbers and names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from recurra.reports.text import told

MOST = 30  # rows or classes that are shown
NAME = 120  # characters of a cell
LONG = 30  # characters of a cell from which on it may have several lines

Cell = str | int | float | None


@dataclass(frozen=True)
class Table:
    """Some columns, and a row for each thing.

    Args:
        title: what it is about.
        head: names of the columns.
        rows: cells; None: there is nothing to say.
        note: what a reader must know.
    """

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    note: str = ""

    def html(self) -> str:
        """Return the first rows, and say how many there are."""
        numbers = [
            any(isinstance(row[i], int | float) for row in self.rows) for i in range(len(self.head))
        ]
        head = "".join(
            _cell("th", name, number) for name, number in zip(self.head, numbers, strict=True)
        )
        rows = "".join(
            "<tr>"
            + "".join(_cell("td", shown(c), n) for c, n in zip(row, numbers, strict=True))
            + "</tr>"
            for row in self.rows[:MOST]
        )
        more = len(self.rows) - MOST
        rest = f'<p class="dim">The first {MOST} of {len(self.rows):,}.</p>' if more > 0 else ""
        return f'<div class="wide"><table><tr>{head}</tr>{rows}</table></div>{rest}'


def shown(cell: Cell) -> str:
    """Return a cell's text, not escaped."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:.4f}" if math.isfinite(cell) else "–"
    return f"{cell:,}" if isinstance(cell, int) else cell


def _cell(tag: str, text: str, number: bool) -> str:
    kind = ' class="number"' if number else ' class="long"' if len(text) > LONG else ""
    return f"<{tag}{kind}>{told(text, NAME)}</{tag}>"
