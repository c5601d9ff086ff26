"""Series, and how they were foretold."""

import re
from pathlib import Path

from recurra.codecs.fan import draw
from recurra.codecs.forecast import Ahead, Forecast
from recurra.tasks.codecs.series import SeriesCodec
from recurra.tasks.model import Model

ORIGINS = 3  # of the test part, one horizon or more apart


def forecasts(model: Model, out: Path) -> str:
    """Show forecasts of the test part with their intervals, and what came, dashed."""
    codec = model.codec
    assert isinstance(codec, SeriesCodec)
    whole = codec.arranged(model.task.read(model.recipe).test[0])
    last = len(whole.values) - codec.horizon
    step = max(codec.horizon, (last - whole.begin) // (ORIGINS - 1))
    panels: list[Ahead] = []
    for origin in range(whole.begin, last + 1, step):
        (answer,) = model.predict([whole.upto(origin)])
        came = whole.values[origin : origin + codec.horizon]
        panels += [
            one._replace(truth=came[:, codec.names.index(one.channel)]) for one in answer.channels
        ]
    shown = Forecast(whole.where, tuple(panels))
    shown.save(out / "forecast.json")
    return f'<div class="wide">{inline(draw(shown).decode())}</div>'


def inline(picture: str) -> str:
    """Return an SVG file as a part of a page: without a head of its own, and without links."""
    drawn = picture[picture.index("<svg") :]
    drawn = re.sub(r"<metadata>.*?</metadata>", "", drawn, flags=re.DOTALL)
    return re.sub(r'\sxmlns:xlink="[^"]*"', "", drawn)
