"""Which columns of a table hold series, time, labels and values; a row is a series or a step."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

from recurra.data.readers.columns import Column, as_label, find, is_header, label_rank, words
from recurra.data.readers.reals import ABSENT, is_real
from recurra.data.readers.signal import Plan, counted
from recurra.data.readers.table import Table
from recurra.errors import DataError

SERIES_NAMES = (
    *("series", "seriesid", "id", "case", "caseid", "sample", "sampleid", "sequence"),
    *("sequenceid", "recording", "recordingid", "trial", "session", "uid", "uniqueid"),
)
TIME_NAMES = ("time", "timestamp", "datetime", "date", "t", "step", "ds", "timeindex", "frame")
MOSTLY = 0.5  # of a column's cells are numbers: then it holds values, and others are bad


@dataclass(frozen=True)
class Form:
    """What the columns of a table are, by position.

    Args:
        values: numbers, in the order of channels, or of steps where a row is a series.
        label: of the series, or of the step; None where there is none.
        series: tells which rows are one series; None: all are.
        time: rises within a series.
        long: a row is a step.
    """

    values: tuple[int, ...]
    label: int | None
    series: int | None
    time: int | None
    long: bool


def names_columns(first: Sequence[str], columns: Sequence[Column]) -> bool:
    """Whether the first row names the columns: by what they hold, or by counting them."""
    if is_header(first, columns):
        return True
    counted_ones = [
        (int(cell), column)
        for cell, column in zip(map(str.strip, first), columns, strict=True)
        if cell.isascii() and cell.isdigit()
    ]
    rising = [b[0] - a[0] for a, b in pairwise(counted_ones)]
    if len(counted_ones) < max(2, len(first) - 2) or set(rising) != {1}:
        return False
    # whole numbers over others: names, as some programs write them; else a series that rises
    numbers = [column for _, column in counted_ones if column.numeric]
    return bool(numbers) and all(any("." in v for v in column.values) for column in numbers)


def choose(table: Table, plan: Plan) -> Form:
    """Return what the columns are: as the recipe says, or by their names and what they hold.

    Raises:
        DataError: the recipe names what is not there; or it cannot be told.
    """
    recipe, columns, path = plan.recipe, table.columns, table.path
    given = {
        name: None if value is None else find(path, columns, value, header=table.header)
        for name, value in [
            ("series", recipe.series_column),
            ("time", recipe.time_column),
            ("label", None if plan.known else recipe.label_column),
        ]
        if not (plan.known and value and not _has(table, value))
    }
    label = given.get("label")
    if plan.known and recipe.label_column and _has(table, recipe.label_column):
        label = find(path, columns, recipe.label_column, header=table.header)
    series = given.get("series")
    if series is None:
        series = _named(columns, SERIES_NAMES, without={label})
    time = given.get("time")
    if time is None:
        time = _time(table, without={label, series})
    long = _is_long(table, plan, series, time)
    if not long:
        time = None
    used = {series, time} - {None}
    if recipe.value_columns is not None:
        wanted = [name for name in recipe.value_columns.split(",") if name.strip()]
        values = [find(path, columns, name, header=table.header) for name in wanted]
        used |= set(values)
    else:
        values = _channels(table, plan)
        used |= set(values)
    if label is None:
        label = _label(table, plan, used, long)
    if not values:
        values = [
            i for i, column in enumerate(columns) if i not in {*used, label} and _numeric(column)
        ]
    if label in values or series in values or time in values:
        raise DataError(path, "has one column as values and as label, series or time; name others")
    if not values:
        raise DataError(path, "has no column of numbers (--value-columns names them)")
    return Form(tuple(values), label, series if long else None, time, long)


def _has(table: Table, name: str) -> bool:
    return any(table.header and column.name == name.strip() for column in table.columns) or (
        name.strip().isdecimal() and int(name) <= len(table.columns)
    )


def _numeric(column: Column) -> bool:
    """Whether most cells that are filled hold numbers."""
    if column.numeric:
        return True
    count = sum(column.values.values())
    return sum(n for cell, n in column.values.items() if is_real(cell)) > MOSTLY * count


def _named(
    columns: Sequence[Column], names: Sequence[str], without: Collection[int | None]
) -> int | None:
    """Return the column whose name comes first among `names`."""
    found = [
        (names.index(plain), i)
        for i, column in enumerate(columns)
        if (plain := "".join(words(column.name))) in names and i not in without
    ]
    return min(found)[1] if found else None


def _time(table: Table, without: Collection[int | None]) -> int | None:
    """Return the column of time.

    Raises:
        DataError: several are named so.
    """
    found = [
        i
        for i, column in enumerate(table.columns)
        if "".join(words(column.name)) in TIME_NAMES and i not in without
    ]
    if len(found) > 1:
        names = " and ".join(table.columns[i].name for i in found)
        raise DataError(
            table.path, f"has several columns of time, {names}; --time-column names one"
        )
    return found[0] if found else None


def _is_long(table: Table, plan: Plan, series: int | None, time: int | None) -> bool:
    """Return whether a row is a step."""
    recipe = plan.recipe
    if recipe.layout != "auto":
        return recipe.layout == "long"
    if plan.form is not None:
        return plan.form.long
    if recipe.time_column is not None:
        return True
    if series is None:
        return time is not None
    # each series once: then a row is all of it, unless only one row is looked at
    column = table.columns[series]
    return column.repeats or recipe.series_column is not None


def _channels(table: Table, plan: Plan) -> list[int]:
    """Return the columns that have the names of the model's channels, or of the first file's."""
    wanted = plan.channels or plan.names
    names = [column.name for column in table.columns]
    if not wanted or not table.header or not all(names.count(name) == 1 for name in wanted):
        return []
    return [names.index(name) for name in wanted]


def _label(table: Table, plan: Plan, used: Collection[int | None], long: bool) -> int | None:
    """Return the column of labels.

    Raises:
        DataError: none can be, and labels are needed.
    """
    columns = table.columns
    free = [i for i in range(len(columns)) if i not in used]
    first = plan.form
    if first is not None and first.label is not None and plan.table is not None:
        if table.header and plan.table.header:
            known = plan.table.columns[first.label].name
            found = [i for i in free if columns[i].name == known]
            if len(found) == 1:
                return found[0]
        elif len(columns) == len(plan.table.columns):
            return first.label
    whole = [i for i in free if label_rank(columns[i].name)[0]]
    if whole:
        return max(whole, key=lambda i: label_rank(columns[i].name))
    if plan.known:
        return next((i for i in _ends(free, long) if _all_known(columns[i], plan.known)), None)
    named = [i for i in free if label_rank(columns[i].name)[1] > label_rank("")[1]]
    texts = [i for i in free if not _numeric(columns[i]) and columns[i].different > 1]
    if len(named) == 1 or len(texts) == 1:
        return (named if len(named) == 1 else texts)[0]
    if not long and not texts:
        for i in _ends(free, long):
            if _classes(columns[i]):
                return i
    names = ", ".join(table.called(i) for i in (named or texts)[:8])
    what = f"several columns that can be the label ({names})" if names else "no column of labels"
    raise DataError(table.path, f"has {what}; --label-column names it")


def _ends(free: Sequence[int], long: bool) -> list[int]:
    """Return where a label stands that has no name: first of all, or last."""
    return [] if not free else list(free) if long else [free[0], free[-1]]


def _classes(column: Column) -> bool:
    """Whether a column's numbers are few whole ones."""
    whole = all(as_label(value).lstrip("+-").isdecimal() for value in column.values)
    return whole and column.different > 1 and (column.repeats or column.rows < 10)


def _all_known(column: Column, labels: Collection[str]) -> bool:
    """Whether a column holds labels of the model and nothing else."""
    cells = [cell for cell in column.values if cell not in ABSENT]
    return bool(cells) and all(as_label(cell) in labels for cell in cells)


def described(table: Table, form: Form) -> str:
    """Return what was decided, in one line, and which options change it."""
    columns = table.columns
    parts = [f"read as {table.form}, a row per {'step' if form.long else 'series'} (--layout)"]
    options = []
    for name, i, option in [
        ("series", form.series, "--series-column"),
        ("time", form.time, "--time-column"),
        ("label", form.label, "--label-column"),
    ]:
        if i is not None:
            parts.append(f"{name} from {table.called(i)}")
            options.append(option)
    kind = "channel" if form.long else "step"
    parts.append(f"{counted(len(form.values), kind)} from {_range(table, form.values)}")
    used = {*form.values, form.label, form.series, form.time}
    rest = [table.called(i) for i in range(len(columns)) if i not in used]
    if rest:
        parts.append(f"{', '.join(rest[:5])}{' …' if rest[5:] else ''} left out")
    return f"{', '.join(parts)} ({', '.join([*options, '--value-columns'])})"


def _range(table: Table, places: Sequence[int]) -> str:
    names = [table.called(i) for i in places]
    return ", ".join(names) if len(names) <= 3 else f"{names[0]} … {names[-1]}"
