"""Texts, with what each of their words did."""

from html import escape
from pathlib import Path

from recurra.reports import Marked, Span
from recurra.reports.drawings import heat
from recurra.tasks.model import Model


def sentiment(model: Model, out: Path) -> str:
    """Show test sentences, each word coloured by the opinion when the model has read so far."""
    rows = model.task.read(model.recipe).test
    chosen = [row for row in rows if {"but", "not", "never"} & set(row.text.lower().split())]
    return "".join(f"<p>{_read_along(model, row.text)}</p>" for row in (chosen or rows)[:8])


def _read_along(model: Model, text: str) -> str:
    words = text.split()
    prefixes = [" ".join(words[: i + 1]) for i in range(len(words))]
    shown = []
    for word, answer in zip(words, model.predict(prefixes), strict=True):
        p = answer.probabilities.get("positive", answer.probability)
        hue, strength = (140 if p > 0.5 else 8), abs(p - 0.5) * 1.3
        shown.append(
            f'<mark style="background:hsla({hue},70%,55%,{strength:.2f});color:inherit" '
            f'title="{p:.0%} positive">{escape(word)}</mark>'
        )
    return " ".join(shown) + f' <span class="dim">{answer.label} {answer.probability:.0%}</span>'


def entities(model: Model, out: Path) -> str:
    """Show test sentences with their entities highlighted."""
    rows = model.task.read(model.recipe).test[:10]
    answers = model.predict([row.tokens for row in rows])
    sentences = (Marked(a.tokens, [Span(*place) for _, *place in a.entities]) for a in answers)
    return "".join(f"<p>{sentence.html()}</p>" for sentence in sentences)


def translations(model: Model, out: Path) -> str:
    """Show test dates with what was written, and where the decoder looked for one of them."""
    rows = model.task.read(model.recipe).test[:12]
    answers = model.predict([row.source for row in rows])
    table = "".join(
        f'<tr><td>{escape(row.source)}</td><td class="{_right(a.text == row.target)}">'
        f"{escape(a.text)}</td></tr>"
        for row, a in zip(rows, answers, strict=True)
    )
    longest = max(answers, key=lambda a: len(a.source_tokens))
    attention = heat(longest.attention, longest.source_tokens, longest.tokens)
    return f'<div class="row"><table>{table}</table><div class="wide">{attention}</div></div>'


def _right(right: bool) -> str:
    return "right" if right else "wrong"
