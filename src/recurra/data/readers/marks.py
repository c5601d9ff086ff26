"""Which steps of a series people have marked: a column of the file, or windows in a JSON file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recurra.data.readers.columns import find
from recurra.data.readers.series import Series
from recurra.data.readers.table import Table
from recurra.data.readers.text import existing_file
from recurra.errors import DataError

USUAL = ("isanomaly", "anomaly", "isoutlier", "outlier", "label")
MOST = 1 << 26  # bytes of a file of windows


def marking(named: str | None) -> Callable[[Table], list[int]]:
    """Return what finds the column that marks a table's rows.

    It is the one named, or one of a usual name; never a channel, whether anything is measured by it
    or not.
    """

    def columns(table: Table) -> list[int]:
        if named is not None:
            return [find(table.path, table.columns, named, header=table.header)]
        known = [i for i, column in enumerate(table.columns) if "".join(column.words) in USUAL]
        return known[:1]

    return columns


def read_windows(path: str | Path, name: str) -> list[tuple[np.datetime64, np.datetime64]]:
    """Return the windows of a file of the Numenta Anomaly Benchmark's form for one series.

    `{"folder/name.csv": [["2014-10-30 15:30:00", "2014-11-03 22:30:00"], …], …}`, or the list of
    windows alone.

    Args:
        path: the file.
        name: the series' file: the key that its path ends with is taken.
    Raises:
        DataError: it is no such file, or has no windows of that name.
    """
    path = existing_file(path)
    if path.stat().st_size > MOST:
        raise DataError(path, f"is over {MOST >> 20} MiB; give the windows of these series alone")
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise DataError(path, f"is no JSON: {error}") from error
    if isinstance(content, dict):
        whole = Path(name).as_posix()
        keys = [key for key in content if f"/{whole}".endswith(f"/{key}")]
        keys = keys or [key for key in content if Path(key).name == Path(name).name]
        if len(keys) != 1:
            what = f"has {len(keys)} series named" if keys else "names no series"
            raise DataError(path, f"{what} {Path(name).name}; it has {', '.join(content)[:200]}")
        content = content[keys[0]]
    try:
        return [_window(pair) for pair in content]
    except (TypeError, ValueError) as error:
        raise DataError(path, f"a window is [begin, end], two times: {error}") from error


def _window(pair: Any) -> tuple[np.datetime64, np.datetime64]:
    begin, end = (np.datetime64(str(time).replace(" ", "T"), "us") for time in pair)
    if not begin <= end:
        raise ValueError(f"{begin} is after {end}")
    return begin, end


def marked_by(series: Series, windows: str) -> Series:
    """Return a series whose steps within the windows of a file are marked, as by a column.

    Raises:
        DataError: the series has no times, or the file no windows for it.
    """
    if series.timeline is None:
        raise DataError(series.where, "has no times, which windows need; leave --windows out")
    times = series.timeline.at(np.arange(len(series.values)))
    found = np.zeros((len(times), 1))
    for begin, end in read_windows(windows, series.where.rpartition(":")[0]):
        found[(times >= begin) & (times <= end)] = 1
    return series._replace(known=found, known_names=(Path(windows).name,))


def marks_of(series: Series) -> NDArray[np.bool_] | None:
    """Return which steps of a series are marked; None where it has no marks.

    Raises:
        DataError: a mark is neither 0 nor 1.
    """
    if not series.known.shape[1]:
        return None
    column = np.nan_to_num(series.known[: len(series.values), 0])
    for step in np.flatnonzero((column != 0) & (column != 1))[:1].tolist():
        raise DataError(
            series.where.rpartition(":")[0],
            f"marks an anomaly by {column[step]:g} in {series.known_names[0]!r}; 0 and 1 are taken",
            int(series.rows[step]),
        )
    marked: NDArray[np.bool_] = column == 1
    return marked
