"""Times as files write them: dates and times, months, quarters, years, seconds since 1970."""

from __future__ import annotations

import re
from array import array
from typing import Any, NamedTuple

import numpy as np

from recurra.data.timeline import MICRO, UNITS, Times

DATE = re.compile(
    r"(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})"
    r"(?:[T ]\s*(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*([AaPp]\.?[Mm]\.?)?)?"
    r"\s*(Z|UTC|[+-]\d{2}(?::?\d{2})?)?",
    re.ASCII,
)
MONTH = re.compile(r"(\d{4})[-/.M ](\d{1,2})", re.ASCII)
QUARTER = re.compile(r"(\d{4})[- ]?[Qq]([1-4])", re.ASCII)
NUMBER = re.compile(r"-?\d{1,20}(?:\.\d*)?", re.ASCII)
CLOCK = re.compile(r"[0-2]?\d(?::[0-5]\d(?::[0-5]\d)?|\.[0-5]\d\.[0-5]\d)")
ORDERS = {"ymd": (0, 1, 2), "dmy": (2, 1, 0), "mdy": (2, 0, 1)}
# since 1970: the unit is told by the size, as none of these ranges meets another
EPOCHS = [(1e8, 1e11, "seconds", 1e6), (1e11, 1e14, "milliseconds", 1e3), (1e14, 1e17, "µs", 1.0)]
PIVOT = 69  # a year of two digits from here on is of the last century, as POSIX has it


class Read(NamedTuple):
    """Times of all rows.

    Args:
        times: NaT where a day is not in its month; None: rising numbers that are no times.
        order: of day, month and year, where it had to be told.
        told: what was assumed, or "".
    """

    times: Times | None
    order: str | None
    told: str


class Instants:
    """The cells of a time column, taken one by one and understood all together.

    Whether 03/04 is in March or April is decided by all rows: by a number above 12, or else by
    which of both gives equal steps.

    Args:
        order: "ymd", "dmy" or "mdy"; None: decided.
    """

    def __init__(self, order: str | None = None) -> None:
        self.order = order
        self.form = ""
        self.parts = [array("q") for _ in range(3)]
        self.beyond = array("q")  # microseconds of the day
        self.numbers = array("d")
        self.shifted = self.short = False

    def add(self, cell: str) -> bool:
        """Take one more cell; return whether it is a time of the same form as the others."""
        form, parts = _parted(cell)
        if not form or self.form not in ("", form):
            return False
        self.form = form
        if form == "number":
            self.numbers.append(float(cell))
            return True
        if form != "date":
            month = int(parts[1]) if form == "month" else 3 * int(parts[1]) - 2
            return self._keep((int(parts[0]), month, 1), 0)
        first, _, second, third, *clock, zone = parts
        micro = _of_day(*clock)
        if micro is None:
            return False
        self.short |= max(len(first), len(third)) < 4
        if zone:
            self.shifted = True
            micro -= _shift(zone)
        return self._keep((int(first), int(second), int(third)), micro)

    def _keep(self, parts: tuple[int, int, int], micro: int) -> bool:
        for kept, part in zip(self.parts, parts, strict=True):
            kept.append(part)
        self.beyond.append(micro)
        return True

    def read(self) -> Read:
        """Return the times of all cells."""
        if self.form == "number":
            return self._counted()
        parts = [np.array(kept, dtype=np.int64) for kept in self.parts]
        order, told = self._ordered(parts) if self.form == "date" else ("ymd", "")
        times = self._dated(parts, order)
        if self.shifted:
            told = "; ".join(filter(None, [told, "times are UTC"]))
        return Read(times, order if told or self.order else None, told)

    def _ordered(self, parts: list[Any]) -> tuple[str, str]:
        """Return the order of year, month and day, and what was assumed."""
        most = [int(part.max(initial=0)) for part in parts]
        if self.order:
            return self.order, ""
        if most[0] > 31:
            return "ymd", ""
        if most[0] > 12 or most[1] > 12:
            return ("dmy" if most[0] > 12 else "mdy"), ""
        even = [order for order in ("dmy", "mdy") if _steps(self._dated(parts, order)) == 1]
        order = even[0] if even else "dmy"
        words = {"dmy": "day first", "mdy": "month first"}[order]
        return order, f"dates are read {words} (--date-order changes it)"

    def _dated(self, parts: list[Any], order: str) -> Times:
        year, month, day = (parts[i] for i in ORDERS[order])
        if self.short:
            year = np.where(year < 100, year + np.where(year < PIVOT, 2000, 1900), year)
        inside = (month >= 1) & (month <= 12)
        months = ((year - 1970) * 12 + np.where(inside, month, 1) - 1).astype("datetime64[M]")
        days = months.astype("datetime64[D]") + (day - 1)
        inside &= (day >= 1) & (days.astype("datetime64[M]") == months)
        times: Times = days.astype("datetime64[us]") + np.array(
            self.beyond, dtype="timedelta64[us]"
        )
        times[~inside] = np.datetime64("NaT")
        return times

    def _counted(self) -> Read:
        """Return what numbers say: years, days as 20160701, time since 1970, or steps."""
        x = np.array(self.numbers)
        whole = bool((x == np.floor(x)).all())
        if whole and bool(((x >= 1000) & (x < 3000)).all()):
            years: Times = (x.astype(np.int64) - 1970).astype("datetime64[Y]")
            return Read(years.astype("datetime64[us]"), None, "")
        if whole and bool(((x >= 1e7) & (x < 1e8)).all()):
            n = x.astype(np.int64)
            self.beyond = array("q", bytes(8 * len(n)))
            return Read(self._dated([n // 10000, n // 100 % 100, n % 100], "ymd"), None, "")
        for least, most, unit, factor in EPOCHS:
            if bool(((x >= least) & (x < most)).all()):
                micro = np.round(x * factor).astype(np.int64)
                return Read(micro.astype("datetime64[us]"), None, f"times are {unit} since 1970")
        return Read(None, None, "")


def shown(time: np.datetime64) -> str:
    """Return a time as people write it: no more of it than it has."""
    text = str(time.astype("datetime64[us]")).replace("T", " ")
    return text.removesuffix(".000000").removesuffix(":00").removesuffix(" 00:00")


def is_time(cell: str) -> bool:
    """Return whether a cell is a date, a month or a quarter: no number is, for certain."""
    return _parted(cell)[0] not in ("", "number")


def is_clock(cell: str) -> bool:
    """Return whether a cell is a time of some day."""
    return CLOCK.fullmatch(cell) is not None


def _parted(cell: str) -> tuple[str, tuple[Any, ...]]:
    """Return which form a cell has, and its parts."""
    for form, pattern in (("date", DATE), ("month", MONTH), ("quarter", QUARTER)):
        if form == "month" and NUMBER.fullmatch(cell):
            continue  # 1959.5
        if (found := pattern.fullmatch(cell)) and (form != "date" or _has_year(found)):
            return form, found.groups()
    return ("number", ()) if NUMBER.fullmatch(cell) else ("", ())


def _has_year(found: re.Match[str]) -> bool:
    sizes = len(found[1]), len(found[4])
    return max(sizes) == 4 != min(sizes) or sizes in ((2, 2), (1, 2))


def _of_day(
    hour: str | None, minute: str | None, second: str | None, part: str | None, half: str | None
) -> int | None:
    """Return microseconds from midnight, or None where a day has no such time."""
    h, m, s = (int(one or 0) for one in (hour, minute, second))
    if half:
        if not 1 <= h <= 12:
            return None
        h = h % 12 + (12 if half[0] in "pP" else 0)
    if h > 24 or m > 59 or s > 59 or (h == 24 and m + s):
        return None
    fraction = int((part or "")[:6].ljust(6, "0"))
    return (3600 * h + 60 * m + s) * MICRO + fraction


def _shift(zone: str) -> int:
    if zone in ("Z", "UTC"):
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    minutes = 60 * int(digits[:2]) + int(digits[2:])
    return (-1 if zone[0] == "-" else 1) * minutes * UNITS["minute"] * MICRO


def _steps(times: Times) -> int:
    """Return how many different steps there are between times; 0 where they do not rise."""
    if np.isnat(times).any() or len(times) < 3:
        return 0
    apart = np.diff(times).astype(np.int64)
    if bool((apart <= 0).any()):
        return 0
    months = np.diff(times.astype("datetime64[M]").astype(np.int64))
    same = [len(np.unique(apart))]
    if bool((months > 0).all()):
        same.append(len(np.unique(months)))
    return min(same)
