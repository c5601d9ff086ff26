"""A picture of a forecast: what was, and a fan of intervals around what is likely to come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from recurra.codecs.picture import Picture, name_times

if TYPE_CHECKING:
    from recurra.codecs.forecast import Ahead, Forecast

MOST = 12  # panels
COLOUR, TRUTH = "#4c78a8", "#333333"


def draw(forecast: Forecast, form: str = "svg") -> bytes:
    """Return a picture with one panel for each channel, at most twelve.

    Args:
        forecast: what to show; a channel's truth is drawn over it where it is known.
        form: svg, png or pdf.
    Raises:
        MissingExtra: matplotlib is not installed.
    """
    shown = forecast.channels[:MOST]
    picture = Picture(8.0, [2.6] * len(shown))
    for axes, one in zip(picture.panels, shown, strict=True):
        _panel(axes, one, forecast.levels)
    return picture.render(form)


def _panel(axes: Any, one: Ahead, levels: tuple[float, ...]) -> None:
    began = len(one.before)
    ahead = np.arange(began, began + len(one.median))
    axes.plot(np.arange(began), one.before, color=TRUTH, linewidth=1)
    if one.quantiles is not None:
        for i in range(len(levels) // 2):
            low, high = one.quantiles[:, i], one.quantiles[:, -1 - i]
            axes.fill_between(ahead, low, high, color=COLOUR, alpha=0.2, linewidth=0)
    axes.plot(ahead, one.median, color=COLOUR, linewidth=1.6)
    if one.truth is not None:
        axes.plot(ahead[: len(one.truth)], one.truth, color=TRUTH, linewidth=1, linestyle="--")
    name_times(axes, [*one.before_times, *one.times])
    axes.set_title(one.name, fontsize=9, loc="left")
