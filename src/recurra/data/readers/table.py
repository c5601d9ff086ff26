"""A file of rows and columns, delimited or JSON, that is read as often as it is needed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from recurra.data.readers.columns import Column, is_header, survey
from recurra.data.readers.delimited import LOOK, NAMES, Dialect, find_dialect, fitted, records
from recurra.data.readers.objects import form_of, json_lines, json_whole
from recurra.data.readers.text import Rows, lines
from recurra.errors import DataError

Cells = Sequence[Any]

FAST_TEXT = re.compile(r"__label__(\S+)\s+(?!__label__)(.*)")
SEPARATOR = re.compile("sep=([,;|\t])", re.IGNORECASE)  # the first line that Excel writes and reads


@dataclass(frozen=True)
class Table:
    """Rows of cells and what is known of their columns.

    Args:
        path: the file, or what else error messages call it.
        form: how it was read, in words: "comma-separated, header in row 1".
        columns: what the columns hold; their names are "" where the table has none.
        header: whether the columns have names.
        read: → each row's number and cells, as many as there are columns.
    """

    path: Path | str
    form: str
    columns: list[Column]
    header: bool
    read: Callable[[Rows], Iterator[tuple[int, Cells]]]

    def called(self, position: int) -> str:
        """Return what people are told of a column: its name, or its number where it has none."""
        name = self.columns[position].name
        return f"column {name!r}" if name else f"column {position + 1}"


def open_table(
    path: Path,
    rows: Rows,
    named: Sequence[str | None] = (),
    before: Table | None = None,
    header: Callable[[Sequence[str], Sequence[Column]], bool] = is_header,
) -> Table:
    """Return the table of a file.

    Args:
        path: the file.
        rows: what becomes of bad rows when it is read; nothing is told before.
        named: columns that were asked for: where the first row has one of these, it is the header.
        before: a table of the same run; its header is known where it comes again.
        header: first row, the columns below → whether it names them.
    Raises:
        DataError: the file cannot be read, or has no rows or no columns.
    """
    form = form_of(path, rows)
    if form:
        return _of_objects(path, form, rows)
    sample = list(islice(lines(path, rows.unheard()), LOOK))
    if not any(line.strip() for _, line in sample):
        list(lines(path, rows))  # tells a bad row, if there is nothing else
        raise DataError(path, "holds no rows")
    if all(FAST_TEXT.match(line) for _, line in sample if line.strip()):
        return _of_fast_text(path, rows)
    named_by_excel = SEPARATOR.fullmatch(sample[0][1])
    if named_by_excel:
        dialect = fitted(path, Dialect(named_by_excel[1]), sample[1:])
    else:
        dialect = find_dialect(path, sample)

    def whole(rows: Rows) -> Iterator[tuple[int, list[str]]]:
        numbered = lines(path, rows)
        return records(path, islice(numbered, bool(named_by_excel), None), dialect, rows)

    def fitting(rows: Rows) -> Iterator[tuple[int, list[str]]]:
        for row, cells in whole(rows):
            if len(cells) == dialect.width:
                yield row, cells
            else:
                reason = f"has {len(cells)} columns where {dialect.width} are expected"
                rows.bad(path, reason, row)

    first = next(fitting(rows.unheard()), None)
    if first is None:
        raise DataError(path, "holds no rows")
    at, names = first[0], [cell.strip() for cell in first[1]]
    below = survey((cells for row, cells in fitting(rows.unheard()) if row > at), dialect.width)
    again = before is not None and before.header and [c.name for c in before.columns] == names
    asked = any(name is not None and name.strip() in names for name in named)
    if again or (asked and not _numbers(named, names, below)) or header(first[1], below):
        for column, name in zip(below, names, strict=True):
            column.name = name

        def without_header(rows: Rows) -> Iterator[tuple[int, list[str]]]:
            for row, cells in fitting(rows):
                if row == at:
                    continue
                if [cell.strip() for cell in cells] == names:
                    rows.bad(path, "repeats the header", row)
                else:
                    yield row, cells

        form = f"{NAMES[dialect.delimiter]}-separated, header in row {at}"
        return Table(path, form, below, True, without_header)
    for column, cell in zip(below, first[1], strict=True):
        column.add(cell)
    return Table(path, f"{NAMES[dialect.delimiter]}-separated, no header", below, False, fitting)


def open_column(
    path: Path, rows: Rows, header: Callable[[Sequence[str], Sequence[Column]], bool]
) -> Table | None:
    """Return the table of a file whose lines are one cell each; None where they have delimiters.

    Args:
        path: the file.
        rows: as for `open_table`.
        header: first row, the column below → whether it names it.
    Raises:
        DataError: the file cannot be read.
    """
    if form_of(path, rows):
        return None
    sample = list(islice(lines(path, rows.unheard()), LOOK))
    filled = [(row, line.strip()) for row, line in sample if line.strip()]
    if not filled or any(re.search(r"[,;|\t]", line) for _, line in filled):
        return None
    at, first = filled[0]
    named = header([first], [])

    def read(rows: Rows) -> Iterator[tuple[int, Cells]]:
        for row, line in lines(path, rows):
            if line.strip() and not (named and row == at):
                yield row, [line]

    columns = survey((cells for _, cells in read(rows.unheard())), 1)
    columns[0].name = first.strip('"') if named else ""
    told = f"one column, header in row {at}" if named else "one column, no header"
    return Table(path, told, columns, named, read)


def _numbers(named: Sequence[str | None], first: Sequence[str], below: Sequence[Column]) -> bool:
    """Whether columns are asked for by numbers that the first row only happens to hold."""
    given = [name.strip() for name in named if name is not None]
    return all(name.isdigit() and int(name) <= len(below) for name in given) and not is_header(
        first, below
    )


def _of_fast_text(path: Path, rows: Rows) -> Table:
    def cells(rows: Rows) -> Iterator[tuple[int, Cells]]:
        for row, line in lines(path, rows):
            found = FAST_TEXT.match(line)
            if not line.strip():
                continue
            if found is None:
                rows.bad(path, "does not begin with one __label__NAME", row)
            else:
                yield row, list(found.groups())

    return Table(
        path, "fastText's lines", survey((c for _, c in cells(rows.unheard())), 2), False, cells
    )


def _of_objects(path: Path, form: str, rows: Rows) -> Table:
    def read(path: Path, rows: Rows) -> Iterator[tuple[int, dict[str, Any]]]:
        for row, record in (json_lines if form == "JSON lines" else json_whole)(path, rows):
            pair = record.get("translation")  # the hub's form for pairs of sentences
            yield row, pair if isinstance(pair, dict) else record

    names: dict[str, Column] = {}
    count = 0
    for count, (_, record) in enumerate(read(path, rows.unheard()), start=1):
        for key, value in record.items():
            if key not in names:
                names[key] = Column(key)
                names[key].rows = count - 1
            names[key].add(value)
        for key in names.keys() - record.keys():
            names[key].add(None)
    if not count:
        list(read(path, rows))  # tells a bad row, if there is nothing else
        raise DataError(path, "holds no rows")

    def cells(rows: Rows) -> Iterator[tuple[int, Cells]]:
        for row, record in read(path, rows):
            yield row, [record.get(name) for name in names]

    return Table(path, form, list(names.values()), True, cells)


def of_records(name: str, columns: list[str], found: Sequence[Any] | Any) -> Table:
    """Return the table of a hub's split: an iterable of mappings."""
    surveyed = survey(([row.get(column) for column in columns] for row in found), len(columns))
    for column, title in zip(surveyed, columns, strict=True):
        column.name = title

    def cells(_: Rows) -> Iterator[tuple[int, Cells]]:
        for row, record in enumerate(found, start=1):
            yield row, [record.get(column) for column in columns]

    return Table(name, "a data set of the hub", surveyed, True, cells)
