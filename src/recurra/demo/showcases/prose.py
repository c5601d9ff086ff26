"""A text with what surprised in it, and one that was written."""

from html import escape
from pathlib import Path

from recurra.tasks.codecs.prose import ScoredText
from recurra.tasks.model import Model

READ, PROMPTED, WRITTEN = 700, 60, 500  # characters
MOST = 10.0  # bits: the strongest colour


def prose(model: Model, out: Path) -> str:
    """Show the beginning of the test text, each character as red as it surprises; and go on."""
    passage = model.task.read(model.recipe).test[0]
    text = passage.text[: 4 * READ].tobytes().decode("utf-8", "ignore")[:READ]
    (answer,) = model.predict([text])
    prompt = text.partition("\n")[0][:PROMPTED]
    (piece,) = model.write([prompt], max_length=WRITTEN)
    return (
        f"<p>{coloured(answer)}</p>"
        f'<p class="dim">{answer.bits_per_character:.2f} bits per character here; the redder, '
        "the less expected after all that stands before it. What the model writes after the "
        "first words of this text:</p>"
        f"<p><b>{escape(piece.prompt)}</b>{escape(piece.text)}</p>"
    )


def coloured(answer: ScoredText) -> str:
    """Return the units of a text as HTML, each on its colour."""
    shown = []
    for token, bits in zip(answer.tokens, answer.surprises, strict=True):
        strength = min(bits / MOST, 1.0)
        style = f"background:hsla(8,80%,55%,{strength:.2f});color:inherit;padding:0;border-radius:0"
        mark = "<br>" if token == "\n" else escape(token)
        shown.append(f'<mark style="{style}" title="{bits:.1f} bits">{mark}</mark>')
    return "".join(shown)
