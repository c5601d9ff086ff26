"""Times that lie a regular step apart: so many microseconds, or so many months."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recurra.errors import DataError

Times = NDArray[Any]  # of datetime64[us], which beartype cannot tell from other units
Counts = NDArray[np.int64]

UNITS = {"week": 604_800, "day": 86_400, "hour": 3_600, "minute": 60, "second": 1}  # seconds
MICRO = 1_000_000
SHORTEST_MONTH = 28 * UNITS["day"] * MICRO


@dataclass(frozen=True)
class Timeline:
    """The times start + i · step, i = 0, 1, ….

    Args:
        start: the first one, to the microsecond.
        step: of two neighbours, in months where `months`, else in microseconds.
        months: whether steps are months, which have no fixed length.
        beyond: of months, microseconds from a month's beginning to its time. A day that a month
            has not is its last one: after January 31 comes the last of February.
    """

    start: np.datetime64
    step: int
    months: bool = False
    beyond: int = 0

    @classmethod
    def fit(cls, times: Times, where: str = "times") -> Timeline:
        """Return the timeline that these times lie on, each at most once; some may be missing.

        Args:
            times: rising, two or more.
            where: what they are of, for error texts; the row is counted from 1.
        Raises:
            DataError: a time is not after the one before it, or the steps have no common measure.
        """
        times = times.astype("datetime64[us]")
        if len(times) < 2:
            raise DataError(
                where, f"has {len(times)} times; two or more tell how far apart they are"
            )
        apart: Counts = np.diff(times).astype(np.int64)
        for row in np.flatnonzero(apart <= 0)[:1].tolist():
            what = "repeats" if apart[row] == 0 else "is before"
            raise DataError(where, f"time {times[row + 1]} {what} that of the row before", row + 2)
        steps = _most_common(apart)
        by_month = cls._of_months(times) if steps >= SHORTEST_MONTH else None
        if by_month is not None:
            return by_month
        if (apart % steps == 0).all():
            return cls(times[0], steps)
        row = int(np.flatnonzero(apart % steps)[0])
        raise DataError(
            where,
            f"time {times[row + 1]} is {_shown(int(apart[row]))} after the row before, where most "
            f"are {_shown(steps)}; give one frequency",
            row + 2,
        )

    @classmethod
    def _of_months(cls, times: Times) -> Timeline | None:
        months: Counts = times.astype("datetime64[M]").astype(np.int64)
        apart = np.diff(months)
        if (apart <= 0).any():
            return None
        step = _most_common(apart)
        # of month ends, the longest month tells the day
        beyond = times - times.astype("datetime64[M]").astype("datetime64[us]")
        found = cls(times[0], step, True, int(beyond.max().astype(np.int64)))
        fits = (apart % step == 0).all() and (found.at((months - months[0]) // step) == times).all()
        return found if fits else None

    def at(self, places: Any) -> Times:
        """Return the times at these places."""
        places = np.asarray(places, dtype=np.int64)
        if not self.months:
            even: Times = self.start + places * np.timedelta64(self.step, "us")
            return even
        beyond = np.timedelta64(self.beyond, "us")
        whole = self.start.astype("datetime64[M]") + places * np.timedelta64(self.step, "M")
        begin, after = (m.astype("datetime64[us]") for m in (whole, whole + np.timedelta64(1, "M")))
        day = np.timedelta64(1, "D")
        last = after - day + beyond % day
        found: Times = np.minimum(begin + beyond, last)
        return found

    def places(self, times: Times) -> Counts:
        """Return the place of each time.

        Raises:
            DataError: one lies between two places.
        """
        times = times.astype("datetime64[us]")
        if self.months:
            start = self.start.astype("datetime64[M]").astype(np.int64)
            found: Counts = (times.astype("datetime64[M]").astype(np.int64) - start) // self.step
        else:
            found = (times - self.start).astype(np.int64) // self.step
        for row in np.flatnonzero(self.at(found) != times)[:1].tolist():
            raise DataError(str(times[row]), f"is none of the times that are {self} apart")
        return found

    def __str__(self) -> str:
        """Say the step."""
        if not self.months:
            return _shown(self.step)
        many, unit = (self.step // 12, "year") if self.step % 12 == 0 else (self.step, "month")
        return f"{many} {unit}" + "s" * (many > 1)


class Stamps(Timeline):
    """Times of rows as they come, repeated and turned back too; no step between them is promised.

    Args:
        times: of each row.
    """

    def __init__(self, times: Times) -> None:
        times = times.astype("datetime64[us]")
        apart: Counts = np.abs(np.diff(times).astype(np.int64))
        usual = int(np.median(apart[apart > 0])) if (apart > 0).any() else UNITS["day"] * MICRO
        super().__init__(times[0], usual)
        object.__setattr__(self, "times", times)  # as a frozen dataclass sets its own

    times: Times

    def at(self, places: Any) -> Times:
        """Return the times of these rows; beyond the last, as far apart as most are."""
        places = np.asarray(places, dtype=np.int64)
        beyond = np.maximum(places - (len(self.times) - 1), 0)
        found: Times = self.times[
            np.minimum(places, len(self.times) - 1)
        ] + beyond * np.timedelta64(self.step, "us")
        return found

    def __str__(self) -> str:
        """Say that rows are what is counted."""
        return "1 row"


def _most_common(numbers: Counts) -> int:
    """Return the number that occurs most often; of several the least."""
    values, counts = np.unique(numbers, return_counts=True)
    return int(values[counts.argmax()])


def _shown(step: int) -> str:
    """Return a number of microseconds in the largest unit that divides it."""
    for name, seconds in UNITS.items():
        many, rest = divmod(step, seconds * MICRO)
        if not rest:
            return f"{many} {name}" + "s" * (many > 1)
    return f"{step / MICRO:g} seconds"
