"""Recordings, to be heard, with the words that were heard in them, and when."""

from html import escape
from pathlib import Path

from recurra.data.readers.sound import Samples
from recurra.demo.showcases.sounds import HEIGHT, outline, player
from recurra.reports.drawings import COLOURS
from recurra.tasks.codecs.speech import Transcript
from recurra.tasks.model import Model

SHOWN = 5
WIDTH, BELOW = 640, 22  # of the wave, and of the words under it


def speech(model: Model, out: Path) -> str:
    """Show test recordings: a player, the wave, and each word where it was heard."""
    test = model.task.read(model.recipe).test
    rows = test[:: max(len(test) // SHOWN, 1)][:SHOWN]
    rate = model.recipe.asdict()["sample_rate"]
    answers: list[Transcript] = model.predict([(row.samples, rate) for row in rows])
    shown = []
    for row, answer in zip(rows, answers, strict=True):
        right = "right" if answer.text == row.text else "wrong"
        shown.append(
            f'<p><span class="{right}">{escape(answer.text)}</span> '
            f'<span class="dim">said: {escape(row.text)}; {escape(row.where)}</span></p>'
            f'<div class="row">{drawing(row.samples, answer)}{player(row.samples, rate)}</div>'
        )
    return "".join(shown)


def drawing(samples: Samples, answer: Transcript) -> str:
    """Return the SVG of a wave; below it the words from their first sound to their last."""
    scale = WIDTH / max(answer.seconds, 1e-6)
    words = "".join(
        f'<rect x="{word.start * scale:.1f}" y="0" fill="{COLOURS["output"]}" fill-opacity="0.15" '
        f'width="{(word.stop - word.start) * scale:.1f}" height="{HEIGHT + BELOW}"/>'
        f'<text x="{(word.start + word.stop) / 2 * scale:.1f}" y="{HEIGHT + 15}" font-size="12" '
        f'text-anchor="middle" fill="currentColor">{escape(word.word)}'
        f"<title>{word.start:.2f} to {word.stop:.2f} s, {word.confidence:.0%}</title></text>"
        for word in answer.words
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT + BELOW}" '
        f'width="{WIDTH}" height="{HEIGHT + BELOW}" role="img" aria-label="wave and words">'
        f'{words}<path d="{outline(samples, WIDTH)}" stroke="{COLOURS["input"]}"/></svg>'
    )
