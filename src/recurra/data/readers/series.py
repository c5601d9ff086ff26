"""Time series: CSV, TSV, JSON and Parquet, one row a time, or one a time and series."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recurra.data.readers.numerals import number
from recurra.data.readers.parquet import is_parquet, open_parquet
from recurra.data.readers.roles import Form, Roles, assign, is_header
from recurra.data.readers.table import Table, open_column, open_table
from recurra.data.readers.text import Rows, existing_file
from recurra.data.readers.times import Instants, shown
from recurra.data.timeline import Stamps, Timeline, Times
from recurra.errors import DataError
from recurra.training.options import SeriesTable

MOST = 50_000_000  # numbers of a file: 400 MB
SPARSE = 20  # a timeline may have so many places for each row

Numbers = NDArray[np.float64]
Whole = NDArray[np.int64]


class Series(NamedTuple):
    """A series of numbers, a regular step apart.

    Args:
        values: [time, channels]; NaN where a number is missing.
        known: [time and perhaps further, covariates]; what is known of the future too.
        timeline: times of the steps; None: they are numbered.
        names: of the channels.
        known_names: of the covariates.
        rows: [time] row of the file of each step; 0 where it has none.
        id: which of the file's series this is; "" where there is one.
        begin: the first step that belongs to this part; those before it may be looked back to.
        form: how the file was read, for files like it.
        where: the file, and the row of the first step.
    """

    values: Numbers
    known: Numbers
    timeline: Timeline | None
    names: tuple[str, ...]
    known_names: tuple[str, ...]
    rows: Whole
    id: str
    begin: int
    form: Form
    where: str

    def upto(self, end: int, begin: int = 0) -> Series:
        """Return the part from step `begin` to `end`, which sees what lies before it."""
        return self._replace(
            values=self.values[:end], known=self.known[:end], rows=self.rows[:end], begin=begin
        )


def read_file(
    path: str | Path,
    rows: Rows,
    recipe: SeriesTable,
    known: Sequence[str] = (),
    before: Form | None = None,
    *,
    stamped: bool = False,
    marks: Callable[[Table], list[int]] | None = None,
) -> list[Series]:
    """Return the series of a file, all of one frequency.

    Rows at the end that have covariates and no value are known future: `known` is longer than
    `values` by these.

    Args:
        path: CSV or TSV with any delimiter, JSON, or Parquet.
        rows: what becomes of bad rows.
        recipe: names columns, where they are not to be detected.
        known: columns that are known of the future too.
        before: how a file like it was read.
        stamped: each row is a step, whatever its time.
        marks: a table → its columns that mark rows; they are no values.
    Raises:
        DataError: the file cannot be used, or one of its rows and `rows` does not skip.
        MissingExtra: it is Parquet, and pyarrow is not installed.
    """
    path = existing_file(path)
    asked = [recipe.series_column, *_parts(recipe.time_column), *_parts(recipe.value_columns)]
    if is_parquet(path):
        table = open_parquet(path)
    else:
        table = open_column(path, rows, is_header) or open_table(
            path, rows, [*asked, *known], header=is_header
        )
    found = _Cells(table, assign(table, recipe, known, before, marks), stamped).read(rows)
    rows.note(path, found.told)
    return found.series(rows)


class _Cells:
    """What stands in a table's rows, one after another, before it is known what times they are."""

    def __init__(self, table: Table, roles: Roles, stamped: bool) -> None:
        self.table, self.roles, self.path, self.stamped = table, roles, table.path, stamped
        self.instants = Instants(roles.form.order)
        self.width = len(roles.values) + len(roles.known)
        self.names = [self._name(i) for i in (*roles.values, *roles.known)]
        self.numbers, self.at, self.of = array("d"), array("q"), array("q")
        self.ids: dict[str, int] = {}
        self.told = ""

    def _name(self, position: int) -> str:
        return self.table.columns[position].name or f"column {position + 1}"

    def read(self, rows: Rows) -> _Cells:
        """Take every row that can be used."""
        roles = self.roles
        for row, cells in self.table.read(rows):
            texts = ["" if cell is None else str(cell).strip() for cell in cells]
            parsed = [number(texts[i], roles.form.decimal) for i in (*roles.values, *roles.known)]
            if (wrong := self._wrong(texts, parsed)) is not None:
                rows.bad(self.path, wrong, row)
                continue
            if roles.time:
                time = roles.time_of(texts)
                if not self.instants.add(time):
                    where = f"in {self.table.called(roles.time[0])}"
                    reason = f"holds {time[:40]!r} {where}, which is no time like those before it"
                    rows.bad(self.path, reason if time else f"has no time {where}", row)
                    continue
            self.numbers.extend(parsed)  # type: ignore[arg-type]  # None is refused above
            self.at.append(row)
            name = "" if roles.series is None else texts[roles.series]
            self.of.append(self.ids.setdefault(name, len(self.ids)))
            if len(self.numbers) > MOST:
                raise DataError(
                    self.path,
                    f"holds over {MOST:,} numbers; give fewer columns (--value-columns), or a part",
                )
        if not self.at:
            raise DataError(self.path, "holds no rows that can be used")
        self.told = roles.told
        return self

    def _wrong(self, texts: list[str], parsed: list[float | None]) -> str | None:
        for position, value in zip((*self.roles.values, *self.roles.known), parsed, strict=True):
            if value is None:
                more = "; --value-columns names the columns to read"
                return (
                    f"holds {texts[position][:40]!r} in {self.table.called(position)}, where a "
                    f"number is needed{more if position in self.roles.values else ''}"
                )
            if value in (float("inf"), float("-inf")):
                return f"is infinite in {self.table.called(position)}; leave the cell empty"
        if self.roles.series is not None and not texts[self.roles.series]:
            return f"names no series in {self.table.called(self.roles.series)}"
        return None

    def series(self, rows: Rows) -> list[Series]:
        """Return the series, with every step that is missing as NaN."""
        numbers = np.frombuffer(self.numbers, dtype=np.float64).reshape(-1, self.width)
        at, of = (np.frombuffer(kept, dtype=np.int64) for kept in (self.at, self.of))
        form, times = self.roles.form, None
        if self.roles.time:
            read = self.instants.read()
            times, form = read.times, form._replace(order=read.order)
            if read.told:
                rows.note(self.path, read.told)
            if times is None:
                where = self.table.called(self.roles.time[0])
                rows.note(self.path, f"{where} holds no dates; its rows are numbered steps")
            else:
                sound = ~np.isnat(times)
                for row in at[~sound].tolist():
                    rows.bad(self.path, "holds a day that is not in its month", row)
                numbers, at, of, times = numbers[sound], at[sound], of[sound], times[sound]
        else:
            note = "no time column; rows are numbered steps (--time-column names one)"
            rows.note(self.path, note)
        order = np.argsort(of, kind="stable")
        cuts = np.searchsorted(of[order], np.arange(1, len(self.ids)))
        found = []
        for name, chosen in zip(self.ids, np.split(order, cuts), strict=True):
            own = None if times is None else times[chosen]
            found.append(self._one(name, numbers[chosen], own, at[chosen], form))
        cut = len(at) - sum(int((one.rows > 0).sum()) for one in found)
        if cut and not self.roles.known:
            note = f"{cut:,} rows at the end have no value; the series ends before them"
            rows.note(self.path, note.replace("1 rows at the end have", "1 row at the end has"))
        self._same_step(found)
        gaps = sum(int((one.rows == 0).sum()) for one in found)
        if gaps:
            first = next(one for one in found if (one.rows == 0).any())
            assert first.timeline is not None  # numbered steps have no gaps
            (when,) = shown(first.timeline.at(np.flatnonzero(first.rows == 0)[:1]))
            many = "time is" if gaps == 1 else "times are"
            rows.note(self.path, f"{gaps:,} {many} missing, the first {when}: read as unknown")
        return found

    def _one(
        self, name: str, numbers: Numbers, times: Times | None, at: Whole, form: Form
    ) -> Series:
        timeline = None
        if times is not None:
            timeline, places = self._placed(name, times, at)
            full = np.full((places[-1] + 1, self.width), np.nan)
            lines = np.zeros(len(full), dtype=np.int64)
            full[places], lines[places] = numbers, at
            numbers, at = full, lines
        count = len(self.roles.values)
        values, known = numbers[:, :count], numbers[:, count:]
        filled = np.flatnonzero(~np.isnan(values).all(1))
        if not len(filled):
            of = f" of series {name!r}" if name else ""
            raise DataError(self.path, f"has no number in the value columns{of}")
        end = int(filled[-1]) + 1
        if not known.shape[1]:
            known = known[:end]
        where = f"{self.path}:{int(at[0])}"
        names = tuple(self.names[:count]), tuple(self.names[count:])
        return Series(values[:end], known, timeline, *names, at[:end], name, 0, form, where)

    def _placed(self, name: str, times: Times, at: Whole) -> tuple[Timeline, Whole]:
        of = f" of series {name!r}" if name else ""
        if len(times) < 2:
            reason = f"is the only row{of}; two or more tell how far apart times are"
            raise DataError(self.path, reason, int(at[0]))
        if self.stamped:
            return Stamps(times), np.arange(len(times))
        try:
            timeline = Timeline.fit(times)
        except DataError as error:
            row = None if error.row is None else int(at[error.row - 1])
            reason = error.reason
            if "repeats" in reason:
                reason += "; give one row a time, or name the column that tells series apart "
                reason += "(--series-column)"
            elif "is before" in reason:
                reason += "; sort the rows by time"
            raise DataError(self.path, f"{reason}{of}", row) from error
        places = timeline.places(times)
        if int(places[-1]) + 1 > SPARSE * len(times) + 1000:
            row = int(at[1 + int(np.diff(places).argmax())])
            raise DataError(
                self.path,
                f"{len(times):,} rows {timeline} apart{of} stretch over {int(places[-1]) + 1:,} "
                "steps; most would be missing: give one stretch",
                row,
            )
        return timeline, places

    def _same_step(self, found: Sequence[Series]) -> None:
        first = found[0]
        for one in found:
            ours, theirs = first.timeline, one.timeline
            if ours is not None and theirs is not None and str(ours) != str(theirs):
                raise DataError(
                    self.path,
                    f"series {one.id!r} has a step of {theirs}, {first.id!r} of {ours}; "
                    "give one frequency",
                    int(one.rows[0]),
                )


def _parts(text: str | None) -> list[Any]:
    return [] if text is None else [part.strip() for part in text.split(",")]
