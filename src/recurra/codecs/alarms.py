"""What a watch says of a file: a score and an alarm for each row, as text, table or picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recurra.codecs.written import write
from recurra.streaming.surprise import Moment

SHOWN = 5  # alarms that are told in words


class Alarm(NamedTuple):
    """Something unusual, from its first step to its last.

    Args:
        since: time of the first step.
        until: of the last one that reached the threshold.
        score: the highest.
        channel: the most unusual one where the score is highest.
    """

    since: str
    until: str
    score: float
    channel: str


@dataclass(frozen=True)
class WatchedSeries:
    """A series, watched.

    Args:
        id: which of the file's; "" where there is one.
        names: of the channels.
        times: of the steps, as written.
        values: [time, channels].
        moments: what was said of each step.
        threshold: score from which a step is an alarm.
    """

    id: str
    names: tuple[str, ...]
    times: list[str]
    values: NDArray[np.float64]
    moments: Sequence[Moment]
    threshold: float

    @property
    def alarms(self) -> list[Alarm]:
        """Return the alarms, one after another."""
        spans: list[list[int]] = []
        for step, moment in enumerate(self.moments):
            if moment.since == 0:
                spans.append([step, step, step])
            if moment.alarm:
                spans[-1][1] = step
                if moment.score > self.moments[spans[-1][2]].score:
                    spans[-1][2] = step
        return [
            Alarm(self.times[a], self.times[b], self.moments[best].score, self.channel(best))
            for a, b, best in spans
        ]

    def channel(self, step: int) -> str:
        """Return the most unusual channel of a step; "" where none has been seen."""
        place = self.moments[step].channel
        return self.names[place] if place >= 0 else ""


@dataclass(frozen=True)
class Watched:
    """A file, watched.

    Args:
        path: the file.
        series: those in it.
    """

    path: str
    series: tuple[WatchedSeries, ...]

    def asdict(self) -> dict[str, Any]:
        """Return the alarms of each series, and its scores."""
        return {
            "path": self.path,
            "series": [
                {
                    "series": one.id,
                    "rows": len(one.times),
                    "threshold": one.threshold,
                    "alarms": [alarm._asdict() for alarm in one.alarms],
                    "scores": [round(moment.score, 6) for moment in one.moments],
                }
                for one in self.series
            ],
        }

    def __str__(self) -> str:
        """Say how many alarms there are, and when the first ones began, and where."""
        found = [(one, alarm) for one in self.series for alarm in one.alarms]
        rows = sum(len(one.times) for one in self.series)
        told = [
            f"{alarm.since} {f'{one.id} {alarm.channel}'.strip()} (score {alarm.score:.2f})"
            for one, alarm in found[:SHOWN]
        ]
        if len(found) > SHOWN:
            told.append(f"{len(found) - SHOWN} more")
        many = "1 alarm" if len(found) == 1 else f"{len(found)} alarms"
        return f"{self.path}: {many} in {rows:,} rows" + (f": {'; '.join(told)}" if told else "")

    def save(self, path: str | Path) -> Path:
        """Write it as the path's ending says: .csv, .json, or a picture: .svg, .png, .pdf.

        Raises:
            RecurraError: the ending is another.
            MissingExtra: it is a picture, and matplotlib is not installed.
        """
        from recurra.codecs.lamp import draw

        return write(path, self._rows(), self.asdict(), lambda form: draw(self, form))

    def _rows(self) -> Iterator[list[Any]]:
        yield ["time", "series", "score", "alarm", "since", "channel"]
        for one in self.series:
            began = ""
            for step, moment in enumerate(one.moments):
                began = one.times[step] if moment.since == 0 else began
                since = began if moment.since >= 0 else ""
                score = round(moment.score, 6)
                alarm, channel = int(moment.alarm), one.channel(step)
                yield [one.times[step], one.id, score, alarm, since, channel]
