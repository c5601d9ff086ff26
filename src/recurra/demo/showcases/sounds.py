"""Sounds, to be heard and seen: the wave, and what the model took it for as it went on."""

import base64
import io
import wave
from html import escape
from pathlib import Path

import numpy as np

from recurra.data.readers.sound import Samples
from recurra.reports.drawings import COLOURS
from recurra.tasks.codecs.sounds import SoundPrediction
from recurra.tasks.model import Model

SHOWN = 5
WIDTH, HEIGHT, BELOW = 360, 60, 40  # of the wave, and of the probability under it


def sounds(model: Model, out: Path) -> str:
    """Show test sounds, each with a player, its wave, and the answer's probability over time."""
    rows = model.task.read(model.recipe).test
    labels = sorted({row.label for row in rows})
    chosen = [next(row for row in rows if row.label == label) for label in labels[:SHOWN]]
    rate = model.recipe.asdict()["sample_rate"]
    answers = model.predict([(row.samples, rate) for row in chosen])
    shown = []
    for row, answer in zip(chosen, answers, strict=True):
        right = "right" if answer.label == row.label else "wrong"
        since = "" if answer.since is None else f", since {answer.since:.2f} s"
        shown.append(
            f'<p><span class="{right}">{escape(answer.label)}</span> {answer.probability:.0%}'
            f'{since} <span class="dim">said: {escape(row.label)}; {escape(row.where)}</span></p>'
            f'<div class="row">{drawing(row.samples, answer)}{player(row.samples, rate)}</div>'
        )
    return "".join(shown)


def drawing(samples: Samples, answer: SoundPrediction) -> str:
    """Return the SVG of a wave; below it the probability of the answer, as it was heard."""
    lines = outline(samples, WIDTH)
    scale = WIDTH / max(answer.seconds, 1e-6)
    steps = [(t * scale, HEIGHT + BELOW * (1 - p[answer.label])) for t, p in answer.heard]
    curve = " ".join(f"{x:.1f},{y:.1f}" for x, y in steps)
    told = f'<polyline points="{curve}" fill="none" stroke="{COLOURS["output"]}" stroke-width="2"/>'
    if answer.since is not None:
        x = answer.since * scale
        told += f'<line x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{HEIGHT + BELOW}" stroke="#777"/>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT + BELOW}" '
        f'width="{WIDTH}" height="{HEIGHT + BELOW}" role="img" aria-label="wave">'
        f'<path d="{lines}" stroke="{COLOURS["input"]}" stroke-width="1"/>{told}</svg>'
    )


def outline(samples: Samples, width: int) -> str:
    """Return a wave as the data of an SVG path, `width` wide and 60 high."""
    middle = HEIGHT / 2
    loudest = max(float(np.abs(samples).max()), 1e-6)
    parts = np.array_split(samples, min(width, len(samples)))
    return "".join(
        f"M{x} {middle - middle * float(part.max()) / loudest:.1f}"
        f"V{middle - middle * float(part.min()) / loudest + 0.5:.1f}"
        for x, part in enumerate(parts)
    )


def player(samples: Samples, rate: int) -> str:
    """Return an audio element with the sound in it."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples.clip(-1, 1) * 32767).astype("<i2").tobytes())
    data = base64.b64encode(content.getvalue()).decode()
    return f'<audio controls preload="none" src="data:audio/wav;base64,{data}"></audio>'
