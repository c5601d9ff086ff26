"""What each model did with held-out examples, as HTML."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from recurra.demo.drawings import heat, roll
from recurra.demo.player import PLAYER
from recurra.tasks.codecs.tunes import GeneratedTune, longest_copy
from recurra.tasks.model import Model

BARS = 16
COLOURS = {"PER": "#f6c5a0", "LOC": "#b5dcc0", "ORG": "#b9cff2", "DATE": "#e6c8ee"}


def picture(image: np.ndarray, zoom: int = 6) -> str:
    """Return an <img> of an array [height width channels], enlarged."""
    from PIL import Image

    low, high = float(image.min()), float(image.max())
    grey = ((image.astype(np.float32) - low) * (255 / max(high - low, 1e-9))).astype(np.uint8)
    drawn = Image.fromarray(grey[..., 0] if grey.shape[2] == 1 else grey)
    buffer = BytesIO()
    drawn.resize((drawn.width * zoom, drawn.height * zoom), Image.Resampling.NEAREST).save(
        buffer, format="PNG"
    )
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="" src="data:image/png;base64,{data}">'


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
    return "".join(
        f"<p>{_highlight(answer)}</p>" for answer in model.predict([row.tokens for row in rows])
    )


def _highlight(answer: Any) -> str:
    shown = [escape(token) for token in answer.tokens]
    for _, kind, first, last in answer.entities:
        colour = COLOURS.get(kind, "#eee0a0")
        shown[first] = f'<mark style="background:{colour}">{shown[first]}'
        shown[last] += f"<small>{escape(kind)}</small></mark>"
    return " ".join(shown)


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


def music(model: Model, out: Path) -> str:
    """Write a tune of at least 16 bars, and show it: piano roll, player, longest copied run."""
    tune = compose(model)
    tune.save(out / "tune.mid")
    train = [
        model.codec.encode(row)[1].tolist()[:-1] for row in model.task.read(model.recipe).train
    ]
    copied = longest_copy(tune.tokens, train)
    facts = {
        "key": f"{tune.key} {tune.mode}",
        "bars": tune.bars,
        "tokens": len(tune.tokens),
        "longest_run_shared_with_training": copied,
    }
    (out / "tune.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    notes = tune.notes()
    data = base64.b64encode(tune.midi).decode()
    return (
        f"<p>{escape(str(tune))}; the longest run of tokens that it shares with a training piece "
        f'is {copied}. <button data-notes="{escape(json.dumps(notes))}">▶ play</button> '
        f'<a download="tune.mid" href="data:audio/midi;base64,{data}">tune.mid</a></p>'
        f'<div class="wide">{roll(notes)}</div>{PLAYER}'
    )


def compose(model: Model, tries: int = 8) -> GeneratedTune:
    """Return the first of several sampled tunes with at least 16 bars, or the longest."""
    wanted: Sequence[tuple[int, str]] = [(7, "major")] * tries
    tunes: list[GeneratedTune] = model.predict(wanted)
    return next((t for t in tunes if t.bars >= BARS), max(tunes, key=lambda t: t.bars))


SHOWCASES: dict[str, Callable[[Model, Path], str]] = {
    "image_classification": digits,
    "music_generation": music,
    "image_captioning": captions,
    "sentiment": sentiment,
    "ner": entities,
    "translation": translations,
}
