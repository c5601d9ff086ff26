"""Signals, and what was thought of them while they were heard."""

from html import escape
from pathlib import Path
from typing import Any

from recurra.reports import Lines
from recurra.reports.drawings import curves
from recurra.tasks.model import Model

SHOWN = 6


def signals(model: Model, out: Path) -> str:
    """Show test signals, each with the probability of every class as it was heard."""
    test = model.task.read(model.recipe).test
    rows = test[:: max(len(test) // SHOWN, 1)][:SHOWN]
    answers = model.predict([row.values for row in rows])
    figures = [_figure(row, answer) for row, answer in zip(rows, answers, strict=True)]
    return f'<div class="row">{"".join(figures)}</div>'


def _figure(row: Any, answer: Any) -> str:
    parts = [Lines(row.values).html()]
    since = ""
    if answer.heard is not None:
        likely = sorted(answer.heard, key=lambda label: -max(answer.heard[label]))[:3]
        likely = [answer.label, *(label for label in likely if label != answer.label)]
        heard = [(label, answer.heard[label]) for label in likely]
        parts.append(curves(heard, "probability", 90, mark=answer.since - 1))
        since = f", since step {answer.since} of {len(row.values)}"
    kind = "right" if answer.label == row.label else "wrong"
    caption = f"{escape(answer.label)} ({answer.probability:.0%}){since}"
    lines = "<br>".join(parts)
    return f'<figure>{lines}<figcaption class="{kind}">{caption}</figcaption></figure>'
