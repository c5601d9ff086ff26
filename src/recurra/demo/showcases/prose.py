"""A text with what surprised in it, and one that was written."""

from html import escape
from pathlib import Path

from recurra.reports import Shaded
from recurra.tasks.model import Model

READ, PROMPTED, WRITTEN = 700, 60, 500  # characters


def prose(model: Model, out: Path) -> str:
    """Show the beginning of the test text, each character as red as it surprises; and go on."""
    passage = model.task.read(model.recipe).test[0]
    text = passage.text[: 4 * READ].tobytes().decode("utf-8", "ignore")[:READ]
    (answer,) = model.predict([text])
    prompt = text.partition("\n")[0][:PROMPTED]
    (piece,) = model.write([prompt], max_length=WRITTEN)
    return (
        f"<p>{Shaded(answer.tokens, answer.surprises).html()}</p>"
        f'<p class="dim">{answer.bits_per_character:.2f} bits per character here; the redder, '
        "the less expected after all that stands before it. What the model writes after the "
        "first words of this text:</p>"
        f"<p><b>{escape(piece.prompt)}</b>{escape(piece.text)}</p>"
    )
