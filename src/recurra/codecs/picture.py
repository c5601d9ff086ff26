"""A figure of matplotlib's as a file that is the same whenever it is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np

from recurra.errors import MissingExtra


class Picture:
    """Panels one below another.

    Args:
        width: inches.
        heights: of the panels, in inches.
    Raises:
        MissingExtra: matplotlib is not installed.
    """

    def __init__(self, width: float, heights: Sequence[float]) -> None:
        try:
            import matplotlib
            from matplotlib.backends.backend_agg import FigureCanvasAgg
            from matplotlib.figure import Figure
        except ImportError as error:
            raise MissingExtra("a picture", "matplotlib", "demo") from error
        self._settings = matplotlib.rc_context
        self._figure: Any = Figure(figsize=(width, sum(heights)), layout="constrained")
        FigureCanvasAgg(self._figure)
        ratios = {"height_ratios": list(heights)}
        grid = self._figure.subplots(len(heights), 1, squeeze=False, gridspec_kw=ratios)
        self.panels: list[Any] = list(grid[:, 0])
        for axes in self.panels:
            axes.tick_params(axis="y", labelsize=8)
            axes.spines[["top", "right"]].set_visible(False)

    def render(self, form: str) -> bytes:
        """Return it as svg, png or pdf: without a date, and with ids that do not change."""
        out = BytesIO()
        metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(form)
        with self._settings({"svg.hashsalt": "recurra"}):
            self._figure.savefig(out, format=form, metadata=metadata, dpi=120)
        return out.getvalue()


def name_times(axes: Any, times: Sequence[str]) -> None:
    """Write five of the steps' times below a panel."""
    places = np.linspace(0, len(times) - 1, 5).round().astype(int)
    axes.set_xticks(places, [times[i] for i in places], fontsize=8)
