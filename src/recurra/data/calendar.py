"""What the calendar says about the steps of a series: seasons, and where in them a step lies."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recurra.data.timeline import MICRO, UNITS, Timeline

DAY = UNITS["day"] * MICRO
LONGEST_SEASON = 1440  # steps of a day that are taken for one
SPANS = {  # microseconds, at least
    "minute of hour": DAY // 24,
    "hour of day": DAY,
    "day of week": 7 * DAY,
    "day of month": 28 * DAY,
    "month of year": 365 * DAY,
}
FIELDS = tuple(SPANS)


def season(timeline: Timeline | None) -> int:
    """Return after how many steps a series is likely to repeat itself; 1: none known.

    A day of hours or minutes, a week of days, a year of weeks, months or quarters.
    """
    if timeline is None:
        return 1
    if timeline.months:
        return 12 // timeline.step if timeline.step < 12 and 12 % timeline.step == 0 else 1
    if timeline.step == DAY:
        return 7
    if timeline.step == 7 * DAY:
        return 52
    steps, rest = divmod(DAY, timeline.step)
    return steps if rest == 0 and 1 < steps <= LONGEST_SEASON else 1


def fields(timeline: Timeline | None) -> tuple[str, ...]:
    """Return what of the calendar steps of this length run through."""
    if timeline is None:
        return ()
    if timeline.months:
        return FIELDS[4:] if timeline.step < 12 else ()
    lasts = {"minute of hour": 0, "hour of day": 0, "day of week": 0, "day of month": DAY}
    found = [name for name, span in SPANS.items() if timeline.step < span]
    # a month's days are told apart by steps of a day at most
    return tuple(n for n in found if lasts.get(n, 0) == 0 or timeline.step <= lasts[n])


def seen(timeline: Timeline | None, steps: int) -> tuple[str, ...]:
    """Return the fields that so many steps run through twice; of others little can be learned."""
    if timeline is None or steps < 2:
        return ()
    first, last = timeline.at(np.array([0, steps - 1]))
    lasted = int((last - first).astype(np.int64))
    return tuple(name for name in fields(timeline) if 2 * SPANS[name] <= lasted)


def features(timeline: Timeline | None, count: int, names: Sequence[str]) -> NDArray[np.float32]:
    """Return sine and cosine of each field at the first `count` steps: [steps, 2 · fields]."""
    if timeline is None or not names:
        return np.zeros((count, 0), np.float32)
    times = timeline.at(np.arange(count))
    parts = {name: turn for name, turn in _turns(times).items() if name in names}
    angles = np.stack([2 * np.pi * parts[name] for name in names], -1)
    found: NDArray[np.float32] = np.concatenate([np.sin(angles), np.cos(angles)], -1).astype(
        np.float32
    )
    return found


def _turns(times: Any) -> dict[str, NDArray[np.float64]]:
    """Return how far round each field is, from 0 up to 1."""
    days = times.astype("datetime64[D]")
    months = times.astype("datetime64[M]")
    of_day = (times - days).astype(np.int64) / DAY
    first, after = (m.astype("datetime64[D]") for m in (months, months + np.timedelta64(1, "M")))
    return {
        "minute of hour": of_day * 24 % 1,
        "hour of day": of_day,
        "day of week": (days.astype(np.int64) + 3) % 7 / 7,  # 1970 began on a Thursday
        "day of month": (days - first).astype(np.int64) / (after - first).astype(np.int64),
        "month of year": months.astype(np.int64) % 12 / 12,
    }
