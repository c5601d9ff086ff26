"""A forecast: median and intervals of each series and channel, as text, table or picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recurra.codecs.written import write
from recurra.data.readers.times import shown
from recurra.data.timeline import Timeline

Numbers = NDArray[np.float64]

LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)  # by which distributions are told and judged


class Ahead(NamedTuple):
    """What comes next in one channel of a series.

    Args:
        series: which one; "" where there is one.
        channel: its name.
        times: of the steps, as written.
        median: of each step.
        quantiles: [steps, levels]; None where the model tells one number alone.
        before: the values that were there last, for the picture.
        before_times: their times.
        truth: what came, where it is known already.
    """

    series: str
    channel: str
    times: list[str]
    median: Numbers
    quantiles: Numbers | None
    before: Numbers
    before_times: list[str]
    truth: Numbers | None = None

    @property
    def name(self) -> str:
        """The series and its channel."""
        return f"{self.series} {self.channel}".strip()


@dataclass(frozen=True)
class Forecast:
    """How a file goes on.

    Args:
        path: the file.
        channels: of its series, one after another.
        levels: of the quantiles.
    """

    path: str
    channels: tuple[Ahead, ...]
    levels: tuple[float, ...] = LEVELS

    def asdict(self) -> dict[str, Any]:
        """Return plain values: quantiles by their level."""
        return {
            "path": self.path,
            "forecasts": [
                {
                    "series": one.series,
                    "channel": one.channel,
                    "times": one.times,
                    "median": one.median.tolist(),
                    "quantiles": {
                        f"{level:g}": one.quantiles[:, i].tolist()
                        for i, level in enumerate(self.levels)
                    }
                    if one.quantiles is not None
                    else {},
                }
                for one in self.channels
            ],
        }

    def __str__(self) -> str:
        """Say where each channel goes: its last step, with the widest interval."""
        told = []
        for one in self.channels[:8]:
            text = f"{one.name} {one.median[0]:.6g} → {one.median[-1]:.6g}"
            if one.quantiles is not None:
                low, high = one.quantiles[-1, [0, -1]]
                share = self.levels[-1] - self.levels[0]
                text += f" ({share:.0%}: {low:.6g} to {high:.6g})"
            told.append(text)
        if len(self.channels) > 8:
            told.append(f"{len(self.channels) - 8} more")
        first = self.channels[0]
        return f"{self.path}, {first.times[0]} to {first.times[-1]}: {'; '.join(told)}"

    def save(self, path: str | Path) -> Path:
        """Write it as the path's ending says: .csv, .json, or a picture: .svg, .png, .pdf.

        Raises:
            RecurraError: the ending is another.
            MissingExtra: it is a picture, and matplotlib is not installed.
        """
        from recurra.codecs.fan import draw

        return write(path, self._rows(), self.asdict(), lambda form: draw(self, form))

    def _rows(self) -> Iterator[list[Any]]:
        levels = [f"q{level:g}" for level in self.levels]
        told = any(one.quantiles is not None for one in self.channels)
        yield ["time", "series", "channel", "median", *(levels if told else [])]
        for one in self.channels:
            for i, time in enumerate(one.times):
                more = [] if one.quantiles is None else one.quantiles[i].tolist()
                yield [time, one.series, one.channel, float(one.median[i]), *more]


def written(timeline: Timeline | None, steps: Sequence[int]) -> list[str]:
    """Return the times of steps, or their numbers from 1."""
    if timeline is None:
        return [str(step + 1) for step in steps]
    return shown(timeline.at(list(steps)))
