"""The models that are served: small ones, trained within seconds on the spot."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from recurra.tasks.run import train

CHANNELS, SERIES, STEPS = 8, 40, 60


@dataclass(frozen=True)
class Workshop:
    """Models, each trained when it is first asked for.

    Args:
        folder: where they lie.
    """

    folder: Path

    @cached_property
    def tagger(self) -> Path:
        """An LSTM of 128 that labels each step of a signal of 8 channels."""
        data = self.folder / "steps.csv"
        signals(data)
        out = self.folder / "tagger"
        train(
            "signal_classification",
            str(data),
            cell="lstm",
            hidden=128,
            embedding=32,
            convolutions=0,
            epochs=2,
            threads=1,
            out=str(out),
        )
        return out

    @cached_property
    def sentiment(self) -> Path:
        """The task's own network, as its defaults make it, after one epoch of the sample."""
        out = self.folder / "sentiment"
        train("sentiment", epochs=1, threads=1, out=str(out))
        return out


def signals(path: Path) -> None:
    """Write random walks, each step labelled by the sign of the channels' sum."""
    drawn = np.random.default_rng(0)
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["series", "time", *(f"x{i}" for i in range(CHANNELS)), "label"])
        for series in range(SERIES):
            walk = np.cumsum(drawn.normal(size=(STEPS, CHANNELS)), 0).round(3)
            for time, values in enumerate(walk):
                rows.writerow([series, time, *values, "up" if values.sum() > 0 else "down"])
