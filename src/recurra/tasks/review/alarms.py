"""A watch over series: the moments that it found most unusual."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from recurra.codecs.forecast import written
from recurra.data.readers.marks import marks_of
from recurra.data.readers.series import Series
from recurra.reports import Part, Table
from recurra.reports.table import Cell
from recurra.streaming.surprise import Moment

MOST = 20_000  # steps that are watched again


def of_alarms(
    names: Sequence[str],
    rows: Sequence[Series],
    watch: Callable[[Series], list[Moment]],
) -> list[Part]:
    """Return the steps with the highest scores, and the alarms in their order.

    Args:
        names: of the channels.
        rows: a part; where its series are long, the first of them, to 20,000 steps.
        watch: a series → what is said of each step, from its beginning.
    """
    steps: list[list[Cell]] = []
    alarms: list[list[Cell]] = []
    left = MOST
    for one in rows:
        if left <= one.begin:
            break
        one = one.upto(left, one.begin)
        said, marks = watch(one), marks_of(one)
        left -= len(said)
        times = written(one.timeline, range(len(said)))
        for step in range(one.begin, len(said)):
            moment = said[step]
            marked = "" if marks is None or not marks[step] else "yes"
            channel = names[moment.channel] if moment.channel >= 0 else ""
            line: list[Cell] = [one.id, times[step], moment.score, channel, marked]
            steps.append(line)
            if moment.since == 0:
                alarms.append(line)
    head = ["series", "time", "score", "channel", "marked"]
    if not any(one.id for one in rows):
        head, steps, alarms = head[1:], [s[1:] for s in steps], [a[1:] for a in alarms]
    place = head.index("score")
    highest = sorted(steps, key=lambda line: -float(line[place] or 0.0))[:30]
    note = f"Of {len(steps):,} steps. Marked: the data call it an anomaly."
    return [
        Table("Alarms", head, alarms, f"Where each of {len(alarms):,} alarms begins."),
        Table("Most unusual steps", head, highest, note),
    ]
