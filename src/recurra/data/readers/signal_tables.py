"""Signals in a table: a row is a series, or one step of a series."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from recurra.data.readers.columns import as_label, plain
from recurra.data.readers.reals import COMMA, Room, is_real, real
from recurra.data.readers.signal import Plan, Signal
from recurra.data.readers.signal_columns import Form, choose, described, names_columns
from recurra.data.readers.table import Table, open_table
from recurra.data.readers.text import Rows
from recurra.errors import DataError

LOOKED = 1_000_000  # cells
SPACINGS = 1000  # different ones that are counted


def read_table(path: Path, rows: Rows, plan: Plan) -> list[Signal]:
    """Return the signals of a table.

    Raises:
        DataError: the file cannot be used, or one of its rows and `rows` does not skip.
    """
    recipe = plan.recipe
    named = [recipe.label_column, recipe.series_column, recipe.time_column]
    named += (recipe.value_columns or "").split(",") if recipe.value_columns else []
    table = open_table(path, rows, named, plan.table, names_columns, LOOKED)
    form = choose(table, plan)
    if plan.table is None:
        plan.table, plan.form = table, form
    rows.note(path, described(table, form))
    found = _long(table, form, rows, plan) if form.long else _wide(table, form, rows, plan)
    if not found:
        raise DataError(path, "holds no series that can be read")
    return found


def _numbers(table: Table, cells: Sequence[Any], places: Sequence[int], rows: Rows) -> array[float]:
    """Return the numbers of a row.

    Raises:
        ValueError: with what is wrong, in words.
    """
    found = array("d")
    for place in places:
        cell = plain(cells[place])
        try:
            found.append(real(cell))
        except ValueError:
            shown = cell.strip()[:40]
            raise ValueError(
                f"holds {shown!r} in {table.called(place)}, where a number is needed"
            ) from None
        if "," in cell and COMMA.fullmatch(cell.strip()):
            rows.note(table.path, f"{cell.strip()} is read as {real(cell)}: , is the decimal mark")
    return found


def _wide(table: Table, form: Form, rows: Rows, plan: Plan) -> list[Signal]:
    """Return a signal of one channel from each row; numbers missing at its end are no steps."""
    room = Room(Path(table.path))
    found = []
    for row, cells in table.read(rows):
        label = "" if form.label is None else as_label(plain(cells[form.label]))
        try:
            values = np.frombuffer(_numbers(table, cells, form.values, rows))
        except ValueError as error:
            rows.bad(table.path, str(error), row)
            continue
        known = np.flatnonzero(~np.isnan(values))
        if not len(known):
            rows.bad(table.path, "has no values", row)
        elif plan.labelled and not label:
            rows.bad(table.path, "has no label", row)
        else:
            values = values[: known[-1] + 1, None].copy()
            room.take(values.size, row)
            found.append(Signal(values, ("channel 1",), label, [], f"{table.path}:{row}"))
    return found


@dataclass
class _Growing:
    """A series while its rows are read."""

    row: int
    values: array[float] = field(default_factory=lambda: array("d"))
    steps: list[str] = field(default_factory=list)
    time: Any = None
    last: int = 0


def _long(table: Table, form: Form, rows: Rows, plan: Plan) -> list[Signal]:
    """Return the series whose steps are rows, in the order in which they begin."""
    series: dict[str, _Growing] = {}
    labels: dict[str, str] = {}  # one string for all steps of a class
    apart: Counter[Any] = Counter()
    room = Room(Path(table.path))
    for row, cells in table.read(rows):
        name, label = _keys(table, form, cells)
        one = series.get(name) or _Growing(row)
        try:
            _check_keys(name, label, table, form, plan)
            values = _numbers(table, cells, form.values, rows)
            if form.time is not None:
                time = _time(plain(cells[form.time]), table.called(form.time))
                _check_order(time, one)
                if one.time is not None and len(apart) < SPACINGS:
                    apart[_apart(one.time, time)] += 1
                one.time, one.last = time, row
        except ValueError as error:
            rows.bad(table.path, str(error), row)
            continue
        room.take(len(values), row)
        one.values.extend(values)
        if form.label is not None:
            one.steps.append(labels.setdefault(label, label))
        series[name] = one
    _tell_spacing(table, apart, rows)
    names = tuple(table.columns[i].name or f"channel {n}" for n, i in enumerate(form.values, 1))
    return [
        Signal(
            np.array(one.values).reshape(-1, len(form.values)),
            names,
            "",
            one.steps if any(one.steps) else [],
            f"{table.path}:{one.row}",
        )
        for one in series.values()
    ]


def _keys(table: Table, form: Form, cells: Sequence[Any]) -> tuple[str, str]:
    """Return which series a row is of, and its label; "" where there is none."""
    name = "" if form.series is None else plain(cells[form.series]).strip()
    return name, "" if form.label is None else as_label(plain(cells[form.label]))


def _check_keys(name: str, label: str, table: Table, form: Form, plan: Plan) -> None:
    """Refuse a row without series or label.

    Raises:
        ValueError: with what is wrong, in words.
    """
    if form.series is not None and not name:
        raise ValueError(f"has no series in {table.called(form.series)}")
    if plan.labelled and not label:
        raise ValueError("has no label")


def _tell_spacing(table: Table, apart: Counter[Any], rows: Rows) -> None:
    """Tell where steps are not equally far apart."""
    if len(apart) > 1:
        (usual, count), total = apart.most_common(1)[0], sum(apart.values())
        rows.note(
            table.path,
            f"{total - count:,} of {total:,} steps are not {usual} after the one before; they are "
            "read as they come, as if all were equally far apart",
        )


def _time(cell: str, column: str) -> float | datetime:
    """Return a time: a number, or a date with or without a time of day.

    Raises:
        ValueError: with what is wrong, in words.
    """
    text = cell.strip()
    if is_real(text) and (number := real(text)) == number:
        return number
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"holds {text[:40]!r} in {column}, where a number or a time such as 2024-05-01T12:30 "
            "is needed"
        ) from None


def _check_order(time: Any, one: _Growing) -> None:
    """Refuse a time that is not after the one before.

    Raises:
        ValueError: with what is wrong, in words.
    """
    if one.time is None:
        return
    try:
        after = time > one.time
    except TypeError:
        raise ValueError(f"has the time {time}, of another kind than row {one.last}") from None
    if not after:
        what = "repeats" if time == one.time else "is before"
        raise ValueError(f"has the time {time}, which {what} that of row {one.last}: sort the rows")


def _apart(before: Any, time: Any) -> Any:
    """Return how far apart two times are, without the last digits of floating point."""
    apart = time - before
    return float(f"{apart:.6g}") if isinstance(apart, float) else apart
