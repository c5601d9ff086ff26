"""A picture of what was watched: each channel, the score below, and where alarms were on."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from recurra.errors import MissingExtra

if TYPE_CHECKING:
    from recurra.tasks.codecs.alarms import Watched, WatchedSeries

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
    try:
        import matplotlib
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtra("a picture of a watch", "matplotlib", "demo") from error
    shown = watched.series[:MOST]
    figure: Any = Figure(figsize=(9, 3.2 * len(shown)), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(
        2 * len(shown), 1, squeeze=False, gridspec_kw={"height_ratios": [3, 1] * len(shown)}
    )[:, 0]
    for i, one in enumerate(shown):
        _values(panels[2 * i], one)
        _scores(panels[2 * i + 1], one)
    out = BytesIO()
    # no date, and ids that do not change: what was watched alike is the same file
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(form)
    with matplotlib.rc_context({"svg.hashsalt": "recurra"}):
        figure.savefig(out, format=form, metadata=metadata, dpi=120)
    return out.getvalue()


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
    axes.spines[["top", "right"]].set_visible(False)


def _scores(axes: Any, one: WatchedSeries) -> None:
    axes.fill_between(np.arange(len(one.moments)), [m.score for m in one.moments], color=RED, lw=0)
    axes.axhline(one.threshold, color=INK, linewidth=0.8, linestyle="--")
    axes.set_ylim(0, 1)
    places = np.linspace(0, len(one.times) - 1, 5).round().astype(int)
    axes.set_xticks(places, [one.times[i] for i in places], fontsize=8)
    axes.tick_params(axis="y", labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
