"""A series, and what was unusual in it."""

from pathlib import Path

from recurra.codecs.lamp import draw
from recurra.demo.showcases.series import inline
from recurra.tasks.model import Model


def alarms(model: Model, out: Path) -> str:
    """Show the whole series with its alarms, and the score below."""
    (whole,) = model.task.read(model.recipe).test
    (answer,) = model.predict([whole])
    answer.save(out / "alarms.csv")
    return f'<div class="wide">{inline(draw(answer).decode())}</div><p>{answer}</p>'
