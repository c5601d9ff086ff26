"""Pictures, and what was said about them."""

from html import escape
from pathlib import Path

from recurra.reports.pictures import picture
from recurra.tasks.model import Model


def _figure(inner: str, caption: str, right: bool) -> str:
    kind = "right" if right else "wrong"
    return f'<figure>{inner}<figcaption class="{kind}">{escape(caption)}</figcaption></figure>'


def digits(model: Model, out: Path) -> str:
    """Show test digits with their predictions."""
    test = model.task.read(model.recipe).test
    rows = test[:: max(len(test) // 24, 1)]
    answers = model.predict([row.image for row in rows])
    figures = [
        _figure(picture(row.image), f"{a.label} ({a.probability:.0%})", a.label == row.label)
        for row, a in zip(rows, answers, strict=True)
    ]
    return f'<div class="row">{"".join(figures)}</div>'


def captions(model: Model, out: Path) -> str:
    """Show test scenes with the sentences written about them."""
    rows = model.task.read(model.recipe).test[:8]
    answers = model.predict([row.image for row in rows])
    figures = [
        _figure(picture(row.image, 5), a.text, a.text == row.captions[0])
        for row, a in zip(rows, answers, strict=True)
    ]
    return f'<div class="row">{"".join(figures)}</div>'
