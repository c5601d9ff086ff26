"""The page docs/serving.md, from the rows alone: the same rows give the same page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.serving.figures import LOST, Row
from benchmarks.serving.question import Question

INTRODUCTION = """\
# Serving

How many streams and requests `recurra serve` answers, and what it and exported models cost. This
page is written by `python -m benchmarks.serving`, from
[`benchmarks/results/serving.json`](../benchmarks/results/serving.json); no figure in it was typed.
**must** and **aim** were written down before anything was measured; what is missed stands in the
table as what is reached does, and once more in a list of its own.
"""

COMMAND = """\
## Run it again

```sh
pip install 'recurra[serve,export]'
python -m benchmarks.serving                          # all of it, from a checkout: half an hour
python -m benchmarks.serving --only sessions,start    # some; the others keep their rows
python -m benchmarks.serving --quick                  # does it work? nothing is written
python -m benchmarks.serving --only fuzz --requests 1000000
python -m benchmarks.serving --only day --frames 10000000
```
"""
HEAD = "| question | part | figure | must | aim | |\n|---|---|--:|--:|--:|---|\n"


def page(rows: Sequence[Row], questions: Sequence[Question]) -> str:
    """Return the page."""
    sections = [
        section(question, found)
        for question in questions
        if (found := [row for row in rows if row.question == question.name])
    ]
    asked = {question.name: question.asks for question in questions}
    parts = [INTRODUCTION, table(rows, asked), losses(rows, asked), *sections, COMMAND]
    return "\n".join(parts)


def table(rows: Sequence[Row], asked: Mapping[str, str]) -> str:
    """Return a line for each row."""
    return HEAD + "".join(line(row, asked[row.question]) for row in rows)


def line(row: Row, asks: str) -> str:
    """Return a row's line of the table."""
    verdict = f"**{row.verdict}**" if row.verdict in LOST else row.verdict
    figure = f"**{number(row.figure)}** {row.unit}".strip()
    cells = [asks, row.part, figure, bound(row.must, row), bound(row.aim, row), verdict]
    return "| " + " | ".join(cells) + " |\n"


def bound(value: float | None, row: Row) -> str:
    """Return what was asked for: at least, or at most."""
    return "" if value is None else f"{'≤' if row.less else '≥'} {number(value)}"


def losses(rows: Sequence[Row], asked: Mapping[str, str]) -> str:
    """Return every row that misses what was asked, or aimed at alone."""
    lost = [row for row in rows if row.verdict in LOST]
    found = table(lost, asked) if lost else "Nothing of what is on this page.\n"
    return f"## What is missed\n\n{found}"


def section(question: Question, rows: Sequence[Row]) -> str:
    """Return how a question was answered, and what its figures are made from."""
    parts = [f"## {question.asks}\n", f"{question.how.strip()}\n"]
    for row in rows:
        told = f"{row.part}: {number(row.figure)} {row.unit}".rstrip()
        parts.append(f"**{told}**{'; ' + cell(row.note) if row.note else ''}\n")
        if row.details:
            parts.append(details(row.details))
    machines = dict.fromkeys(row.machine for row in rows if row.machine)
    parts.append(f"Measured on: {'; '.join(machines) or 'not noted'}.\n")
    return "\n".join(parts)


def details(given: Sequence[Mapping[str, Any]]) -> str:
    """Return a table of all that the rows tell, a column for each name."""
    names = dict.fromkeys(name for one in given for name in one)
    lines = [f"| {' | '.join(names)} |", "|" + "--:|" * len(names)]
    lines += [f"| {' | '.join(cell(one.get(name)) for name in names)} |" for one in given]
    return "\n".join(lines) + "\n"


def cell(value: Any) -> str:
    """Return a value that breaks no table; what others have sent may be in it."""
    if value is None:
        return ""
    text = number(value) if isinstance(value, float) else str(value)
    return " ".join(text.split()).replace("|", "\\|").replace("`", "'").replace("<", "&lt;")


def number(value: float) -> str:
    """Return a number as it is read best: small ones by their power of ten."""
    if not math.isfinite(value):
        return "∞" if value > 0 else "none"
    if value and abs(value) < 1e-3:
        return f"{value:.1e}"
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}".rstrip("0")
