"""Which columns of a series' table hold what: as asked, or by content."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from recurra.data.readers.columns import MOST, Column, find
from recurra.data.readers.numerals import decimal_of, number
from recurra.data.readers.table import Table
from recurra.data.readers.times import is_clock, is_time
from recurra.errors import DataError
from recurra.training.options import SeriesTable

TIME_NAMES = {
    *("time", "date", "datetime", "timestamp", "ds", "year", "month", "day", "period", "epoch"),
    *("unix", "datum", "fecha", "week", "quarter", "t", "ts"),
}
SERIES_NAMES = {
    *("id", "series", "seriesid", "seriesname", "uniqueid", "itemid", "item", "store", "storeid"),
    *("ticker", "symbol", "name", "group", "station", "sensor", "sensorid", "country", "region"),
}
CALENDAR = ("year", "month", "day")
MOSTLY = 0.5  # of a column's different cells: one bad cell is told with its row, not passed over


class Form(NamedTuple):
    """How a file was read, so that one like it is read the same way.

    Args:
        time: names of the columns that tell the time.
        series: name of the column that tells series apart, or None.
        order: of day, month and year, where it was assumed or asked for; None: certain.
        decimal: what stands before decimals.
    """

    time: tuple[str, ...]
    series: str | None
    order: str | None
    decimal: str


class Roles(NamedTuple):
    """Positions of columns; what was decided, in words."""

    time: tuple[int, ...]
    series: int | None
    values: tuple[int, ...]
    known: tuple[int, ...]
    form: Form
    told: str

    def time_of(self, texts: Sequence[str]) -> str:
        """Return the cell that tells the time; of several columns, their cells joined."""
        cells = [texts[i] for i in self.time]
        if len(cells) == 1 or not all(cells):
            return cells[0] if len(cells) == 1 else ""
        if is_clock(cells[1]):
            return f"{cells[0]} {cells[1].replace('.', ':')}"
        return "-".join(cell.split(".")[0] for cell in cells)


def is_header(first: Sequence[str], columns: Sequence[Column]) -> bool:
    """Return whether the first row names columns: none of its cells is a number or a time."""
    cells = [cell.strip() for cell in first]
    named = [cell for cell in cells if cell]
    return bool(named) and not any(
        is_time(c) or is_clock(c) or number(c) is not None for c in named
    )


def assign(
    table: Table,
    recipe: SeriesTable,
    known: Sequence[str] = (),
    before: Form | None = None,
    marks: Callable[[Table], list[int]] | None = None,
) -> Roles:
    """Return what the columns of a table are for.

    Args:
        table: the table.
        recipe: names columns, where they are not to be detected.
        known: columns that are known of the future too.
        before: how a file like it was read: its columns are taken where they are here.
        marks: a table → its columns that mark rows, which are known and no values.
    Raises:
        DataError: a column that is asked for is not there or is asked for twice, or no column
            holds numbers.
    """
    columns = table.columns

    def asked(names: str | None) -> list[int]:
        parts = [] if names is None else [part for part in names.split(",") if part.strip()]
        return [find(table.path, columns, part, header=table.header) for part in parts]

    covariates = [find(table.path, columns, name, header=table.header) for name in known]
    covariates += marks(table) if marks else []
    values = asked(recipe.value_columns)
    series = next(iter(asked(recipe.series_column)), None)
    taken = {*covariates, *values, *([] if series is None else [series])}
    time = asked(recipe.time_column)
    others: list[int] = []
    there = {column.name: i for i, column in enumerate(columns) if column.name}
    if before and not time and before.time and all(name in there for name in before.time):
        time = [there[name] for name in before.time]
    if before and series is None and before.series:
        series = there.get(before.series)
        taken |= set() if series is None else {series}
    if not time:
        time, others = _times(columns, taken)
    for position in [*covariates, *values, *time, *([] if series is None else [series])]:
        if [*covariates, *values, *time, series].count(position) > 1:
            raise DataError(table.path, f"{table.called(position)} cannot be two things at once")
    taken |= {*time, *others}
    if series is None:
        series = _series(columns, time, taken)
        taken |= set() if series is None else {series}
    free = [i for i in range(len(columns)) if i not in taken]
    decimal, assumed = recipe.decimal or (before.decimal if before else ""), False
    if not decimal:
        cells = (cell for i in (values or free) for cell in columns[i].values)
        decimal, assumed = decimal_of(cells)
    left: list[int] = []
    if not values:
        values = [i for i in free if _numeric(columns[i], decimal) and not _index(columns[i], i)]
        left = [i for i in free if i not in values]
    if not values:
        raise DataError(table.path, "has no column of numbers beside its times; give one")
    form = Form(
        tuple(columns[i].name for i in time),
        None if series is None else columns[series].name,
        recipe.date_order or (before.order if before else None),
        decimal,
    )
    roles = Roles(tuple(time), series, tuple(values), tuple(covariates), form, "")
    told = _told(table, roles, marked=marks is not None)
    if others:
        told += f"; {_listed(table, others)} could be the time too (--time-column)"
    if left:
        told += f"; {_listed(table, left)} left out (--value-columns)"
    if assumed:
        told += "; commas are decimal (--decimal point changes it)"
    return Roles(tuple(time), series, tuple(values), tuple(covariates), form, told)


def _times(columns: Sequence[Column], taken: set[int]) -> tuple[list[int], list[int]]:
    """Return the columns that tell the time, and others that could."""
    free = [i for i in range(len(columns)) if i not in taken]
    dates = [i for i in free if _mostly(columns[i], is_time) and not _mostly(columns[i], is_clock)]
    dates.sort(key=lambda i: not set(columns[i].words) & TIME_NAMES)
    if dates:
        first, rest = dates[0], dates[1:]
        clocks = [i for i in free if _mostly(columns[i], is_clock) and i not in dates]
        clocks = [i for i in clocks if set(columns[i].words) & TIME_NAMES or i == first + 1]
        whole_days = all(":" not in cell for cell in columns[first].values)
        return ([first, clocks[0]] if clocks and whole_days else [first]), rest
    named = {"".join(columns[i].words): i for i in free if columns[i].numeric}
    if "year" in named and "month" in named:
        return [named[name] for name in CALENDAR if name in named], []
    counted = [i for i in free if columns[i].numeric and set(columns[i].words) & TIME_NAMES]
    return counted[:1], counted[1:]


def _series(columns: Sequence[Column], time: Sequence[int], taken: set[int]) -> int | None:
    """Return the column that tells series apart, where times come again."""
    if not time or not all(_repeats(columns[i]) for i in time):
        return None
    free = [i for i in range(len(columns)) if i not in taken and columns[i].repeats]
    free = [i for i in free if columns[i].filled == columns[i].rows]
    named = [i for i in free if "".join(columns[i].words) in SERIES_NAMES]
    texts = [i for i in free if not columns[i].numeric]
    return next(iter([*(i for i in named if i in texts), *texts, *named]), None)


def _repeats(column: Column) -> bool:
    return column.different < column.filled and column.different < MOST


def _numeric(column: Column, decimal: str) -> bool:
    return _mostly(column, lambda cell: number(cell, decimal) is not None)


def _index(column: Column, position: int) -> bool:
    """Return whether this is the row number that data frames write: without a name, in front."""
    return position == 0 and column.name.startswith("Unnamed:")


def _mostly(column: Column, holds: Callable[[str], bool]) -> bool:
    cells = list(column.values)
    return bool(cells) and sum(map(holds, cells)) > MOSTLY * len(cells)


def _told(table: Table, roles: Roles, *, marked: bool) -> str:
    parts = [f"read as {table.form}"]
    if roles.time:
        parts.append(f"time from {_listed(table, roles.time)}")
    if roles.series is not None:
        parts.append(f"series told by {table.called(roles.series)}")
    parts.append(f"values from {_listed(table, roles.values)}")
    options = "--time-column, --series-column, --value-columns"
    if roles.known:
        what, option = ("marks from", ", --label-column") if marked else ("known ahead", "")
        parts.append(f"{what} {_listed(table, roles.known)}")
        options += option
    return f"{', '.join(parts)} ({options})"


def _listed(table: Table, positions: Iterable[int]) -> str:
    names = [table.called(i) for i in positions]
    return ", ".join(names) if len(names) <= 8 else f"{len(names)} columns from {names[0]} on"
