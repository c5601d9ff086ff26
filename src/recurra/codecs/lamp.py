"""A picture of what was watched: each channel, the score below, and where alarms were on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from recurra.codecs.picture import Picture, name_times

if TYPE_CHECKING:
    from recurra.codecs.alarms import Watched, WatchedSeries

MOST = 6  # series
INK, RED = "#333333", "#e4572e"


def draw(watched: Watched, form: str = "svg") -> bytes:
    """Return a picture with two panels for each series, at most six series.

    Args:
        watched: what to show.
        form: svg, png or pdf.
    Raises:
        MissingExtra: matplotlib is not installed.
    """
    shown = watched.series[:MOST]
    picture = Picture(9.0, [2.4, 0.8] * len(shown))
    for i, one in enumerate(shown):
        _values(picture.panels[2 * i], one)
        _scores(picture.panels[2 * i + 1], one)
    return picture.render(form)


def _values(axes: Any, one: WatchedSeries) -> None:
    spread = np.nanstd(one.values, 0)
    middle = np.nanmean(one.values, 0)
    for place, name in enumerate(one.names):
        y = one.values[:, place]
        if len(one.names) > 1:  # channels of any unit, one above another
            y = (y - middle[place]) / (6 * max(spread[place], 1e-12)) - place
        axes.plot(y, color=INK, linewidth=0.8)
        axes.set_ylabel(name if len(one.names) == 1 else "", fontsize=8)
    for step, moment in enumerate(one.moments):
        if moment.since == 0:
            axes.axvline(step, color=RED, linewidth=1.4)
    axes.set_title(one.id or ", ".join(one.names)[:80], fontsize=9, loc="left")
    axes.set_xticks([])


def _scores(axes: Any, one: WatchedSeries) -> None:
    axes.fill_between(np.arange(len(one.moments)), [m.score for m in one.moments], color=RED, lw=0)
    axes.axhline(one.threshold, color=INK, linewidth=0.8, linestyle="--")
    axes.set_ylim(0, 1)
    name_times(axes, one.times)
