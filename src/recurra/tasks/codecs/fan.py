"""A picture of a forecast: what was, and a fan of intervals around what is likely to come."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from recurra.errors import MissingExtra

if TYPE_CHECKING:
    from recurra.tasks.codecs.forecast import Ahead, Forecast

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
    try:
        import matplotlib
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtra("a picture of a forecast", "matplotlib", "demo") from error
    panels = forecast.channels[:MOST]
    figure: Any = Figure(figsize=(8, 2.6 * len(panels)), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, one in zip(figure.subplots(len(panels), 1, squeeze=False)[:, 0], panels, strict=True):
        _panel(axes, one, forecast.levels)
    out = BytesIO()
    # no date, and ids that do not change: the same forecast is the same file
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(form)
    with matplotlib.rc_context({"svg.hashsalt": "recurra"}):
        figure.savefig(out, format=form, metadata=metadata, dpi=120)
    return out.getvalue()


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
    times = [*one.before_times, *one.times]
    places = np.linspace(0, len(times) - 1, 5).round().astype(int)
    axes.set_xticks(places, [times[i] for i in places], fontsize=8)
    axes.tick_params(axis="y", labelsize=8)
    axes.set_title(one.name, fontsize=9, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
