"""Numbers along time as a small drawing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recurra.reports.drawings import curves

POINTS, CHANNELS = 400, 8  # that are drawn, at most
HEIGHT = 70


@dataclass(frozen=True, eq=False)
class Lines:
    """A signal [time channels], from its least value to its greatest; NaN where one is missing."""

    values: NDArray[Any]

    def html(self) -> str:
        """Return the drawing; of very many steps or channels, some."""
        every = -(-len(self.values) // POINTS) or 1
        drawn = np.asarray(self.values[::every, :CHANNELS], np.float64)
        known = drawn[np.isfinite(drawn)]
        if not known.size:
            return '<span class="dim">no numbers</span>'
        low, high = known.min(), known.max()
        scaled = np.where(np.isfinite(drawn), (drawn - low) / max(high - low, 1e-9), np.nan)
        drawing = curves([("", line) for line in scaled.T.tolist()], "signal", HEIGHT)
        more = self.values.shape[1] - CHANNELS
        said = f'<div class="dim">and {more:,} more channels</div>' if more > 0 else ""
        return drawing + said
