"""Rows of cells: comma, semicolon, tab or bar between them, whichever a file uses."""

import csv
import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from recurra.data.readers.text import LONGEST_ROW, Rows
from recurra.errors import DataError

Line = tuple[int, str]

BARS = "|||"
NAMES = {",": "comma", "\t": "tab", ";": "semicolon", "|": "bar", BARS: BARS, f" {BARS} ": BARS}
ORDERS = {".tsv": "\t,;|", ".tab": "\t,;|", ".csv": ",;\t|"}
LOOSE = re.compile(r"(?<!\d),|,(?!\d)")  # a comma that is not within a number
LOOK = 2000  # lines looked at to detect
SHARED = 3  # so many whole rows within one quoted cell are no cell


class Dialect(NamedTuple):
    """How the cells of a file are parted.

    Args:
        delimiter: what stands between them.
        quoted: double quotes protect delimiters and line ends; "" within them is one.
        escaped: within quotes, a backslash protects a quote.
        spaced: blanks after a delimiter belong to no cell.
        width: cells of a row.
    """

    delimiter: str
    quoted: bool = True
    escaped: bool = False
    spaced: bool = False
    width: int = 0

    def split(self, text: str) -> list[str]:
        """Return the cells of one record.

        Raises:
            csv.Error: it is quoted wrongly; "unexpected end" where a quote is open.
        """
        if not self.quoted or '"' not in text:
            cells = text.split(self.delimiter)
            return [cell.lstrip(" ") for cell in cells] if self.spaced else cells
        reader = csv.reader(
            [text],
            delimiter=self.delimiter,
            doublequote=not self.escaped,
            escapechar="\\" if self.escaped else None,
            skipinitialspace=self.spaced,
            strict=True,
        )
        return next(reader)


def cells_of(
    path: Path, head: list[Line], numbered: Iterable[Line], rows: Rows
) -> Iterator[tuple[int, list[str]]]:
    """Yield each record of `numbered` lines as (the line it begins on, its cells).

    The delimiter is told from `head`, its first lines. Blank records are passed over.

    Raises:
        DataError: no delimiter fits; or a record is quoted wrongly and `rows` does not skip.
    """
    return records(path, numbered, find_dialect(path, head), rows)


def records(
    path: Path, numbered: Iterable[Line], dialect: Dialect, rows: Rows
) -> Iterator[tuple[int, list[str]]]:
    """Yield each record as (the line it begins on, its cells); blank ones are passed over.

    A quote that nothing closes spoils its own line only.

    Raises:
        DataError: a record is quoted wrongly and `rows` does not skip.
    """
    csv.field_size_limit(LONGEST_ROW)
    again: deque[Line] = deque()  # lines that were read ahead in vain
    source = iter(numbered)

    def pull() -> Line | None:
        return again.popleft() if again else next(source, None)

    while pulled := pull():
        row, line = pulled
        try:
            cells = dialect.split(line)
        except csv.Error as error:
            found = None
            if "unexpected end" in str(error):
                found = _closed(line, pull, again, dialect)
            if found is None and dialect.delimiter == "\t":
                found = line.split("\t")
            if found is None:
                reason = "nothing closes its quote" if "unexpected end" in str(error) else error
                rows.bad(path, f"is quoted wrongly: {reason}", row)
                continue
            cells = found
        if any(cell.strip() for cell in cells):
            yield row, cells


def _closed(
    line: str, pull: Callable[[], Line | None], again: deque[Line], dialect: Dialect
) -> list[str] | None:
    """Return the record that `line` begins and others end, or None and the others to `again`."""
    ahead: list[Line] = []
    size = len(line)
    while pulled := pull():
        ahead.append(pulled)
        more = pulled[1]
        size += len(more) + 1
        if size > LONGEST_ROW:
            break
        if '"' not in more:
            continue
        try:
            cells = dialect.split("\n".join([line, *(text for _, text in ahead)]))
        except csv.Error as error:
            if "unexpected end" in str(error):
                continue
            break
        if dialect.width in (0, len(cells)) and not _whole_rows(ahead[:-1], dialect):
            return cells
        break
    again.extendleft(reversed(ahead))
    return None


def _whole_rows(lines: Sequence[Line], dialect: Dialect) -> bool:
    """Whether lines that a quoted cell would hold are all rows of their own."""
    if dialect.width < 2 or len(lines) < SHARED:
        return False
    return all(text.count(dialect.delimiter) == dialect.width - 1 for _, text in lines)


def find_dialect(path: Path, sample: Sequence[Line]) -> Dialect:
    """Return the dialect that gives most rows the first row's number of cells, two or more.

    Where several do, blanks after a delimiter speak against it, and the file's ending decides.
    Where commas stand within numbers alone, they are decimal marks.
    Tab-separated cells are taken as they stand unless quotes are doubled within quoted ones.

    Raises:
        DataError: no row has two cells.
    """
    ending = Path(path.name.removesuffix(".gz")).suffix.lower()
    best: tuple[tuple[float, ...], Dialect] | None = None
    if (delimiter := _beside_decimal_commas(sample)) is not None:
        return fitted(path, Dialect(delimiter), sample)
    if all(BARS in text for _, text in sample if text.strip()):  # of aligners: source ||| target
        spaced = all(f" {BARS} " in text for _, text in sample if text.strip())
        return fitted(path, Dialect(f" {BARS} " if spaced else BARS, quoted=False), sample)
    for dialect in _candidates(path, ORDERS.get(ending, "\t,;|"), sample):
        score, width = _fit(path, dialect, sample)
        if width > 1 and (best is None or score > best[0]):
            best = score, dialect._replace(width=width)
    if best is None:
        raise DataError(path, "has one column; two are needed in each row")
    return best[1]


def _beside_decimal_commas(sample: Sequence[Line]) -> str | None:
    """Return what parts the cells where commas stand within numbers alone: 1,5;2,25."""
    texts = [text for _, text in sample if text.strip()]
    commas = [text for text in texts if "," in text]
    if not commas or any(LOOSE.search(text) for text in commas):
        return None
    for delimiter in ";\t":
        counts = {text.count(delimiter) for text in texts}
        cells = (cell for text in commas for cell in text.split(delimiter))
        if len(counts) == 1 and counts != {0} and all(cell.count(",") < 2 for cell in cells):
            return delimiter
    return None


def fitted(path: Path, dialect: Dialect, sample: Sequence[Line]) -> Dialect:
    """Return a dialect whose delimiter is known, with the width of its rows.

    Raises:
        DataError: no row has two cells.
    """
    width = _fit(path, dialect, sample)[1]
    if width < 2:
        raise DataError(path, f"has one column between {NAMES[dialect.delimiter]}s")
    return dialect._replace(width=width)


def _candidates(path: Path, order: str, sample: Sequence[Line]) -> Iterator[Dialect]:
    for delimiter in order:
        if delimiter == "\t" and not _quoted_between_tabs(path, sample):
            yield Dialect(delimiter, quoted=False)
        yield Dialect(delimiter)
    for delimiter in order:
        yield Dialect(delimiter, spaced=True)
        yield Dialect(delimiter, escaped=True)


def _quoted_between_tabs(path: Path, sample: Sequence[Line]) -> bool:
    """Whether cells between tabs are quoted: all of them, or some with doubled quotes within."""
    texts = dict(sample)
    cells = [cell for text in texts.values() if text.strip() for cell in text.split("\t")]
    if all(len(cell) > 1 and cell[0] == cell[-1] == '"' for cell in cells):
        return True
    found = records(path, sample, Dialect("\t"), Rows(skip=True, quiet=True))
    return any(
        '"' in cell and '""' not in cell
        for row, cells in found
        if '""' in texts[row]
        for cell in cells
    )


def _fit(path: Path, dialect: Dialect, sample: Sequence[Line]) -> tuple[tuple[float, ...], int]:
    """Return how well a dialect fits (lines with the first row's width, …), and that width."""
    if not any(dialect.delimiter in text for _, text in sample):
        return (0.0,), 0
    silent = Rows(skip=True, quiet=True)
    first = next(records(path, sample, dialect, silent), None)
    widths = [len(first[1])] if first else []
    usual = Counter(len(cells) for _, cells in records(path, sample, dialect, silent))
    widths += [width for width, _ in usual.most_common(1)]
    found: dict[int, float] = {}
    cells: list[tuple[int, list[str]]] = []
    for width in dict.fromkeys(widths):
        cells = list(records(path, sample, dialect._replace(width=width), silent))
        ends = [row for row, _ in cells[1:]] + [sample[-1][0] + 1]
        lines = zip(cells, ends, strict=True)
        found[width] = sum(end - row for (row, c), end in lines if len(c) == width)
    if not found:
        return (0.0,), 0
    # a last row that is cut short is no reason to doubt a first one that others follow
    width = widths[0] if found[widths[0]] >= found[widths[-1]] / 2 else widths[-1]
    blanks = sum(cell.startswith(" ") for _, row in cells for cell in row[1:])
    parted = sum(len(row) - 1 for _, row in cells)
    aside = 0.0 if width == 1 else blanks / max(1, parted)
    return (float(found[width]) if width > 1 else 0.0, -round(aside, 2)), width
