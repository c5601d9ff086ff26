"""Rows of cells: comma, semicolon, tab or bar between them, whichever a file uses."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from recurra.data.readers.text import LONGEST_ROW, Rows
from recurra.errors import DataError

DELIMITERS = {".tsv": "\t", ".csv": ",;\t|", ".txt": "\t,;|"}


def cells_of(
    path: Path, head: list[tuple[int, str]], numbered: Iterable[tuple[int, str]], rows: Rows
) -> Iterator[tuple[int, list[str]]]:
    """Yield each record of `numbered` lines as (the line it begins on, its cells).

    The delimiter is told from `head`, its first lines. Tab-separated cells are taken as they
    stand; elsewhere double quotes protect delimiters and line ends. Blank records are passed over.

    Raises:
        DataError: no delimiter fits; or a record is quoted wrongly and `rows` does not skip.
    """
    ending = next((e for e in DELIMITERS if path.name.removesuffix(".gz").endswith(e)), ".txt")
    delimiter = _delimiter(path, [line for _, line in head], DELIMITERS[ending])
    last = started = 0

    def text() -> Iterator[str]:
        nonlocal last, started
        for last, line in numbered:
            started = started or last
            yield line + "\n"

    csv.field_size_limit(LONGEST_ROW)
    if delimiter == "\t":
        reader = csv.reader(text(), delimiter=delimiter, quoting=csv.QUOTE_NONE, strict=True)
    else:
        reader = csv.reader(text(), delimiter=delimiter, strict=True)
    while True:
        started = 0
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            rows.bad(path, f"is quoted wrongly: {error}", started)
            continue
        if any(cell.strip() for cell in cells):
            yield started, cells


def _delimiter(path: Path, sample: list[str], candidates: str) -> str:
    """Return the candidate with the most lines that have it equally often."""
    fits = {}
    for delimiter in candidates:
        counts = Counter(line.count(delimiter) for line in sample)
        fits[delimiter] = max((n for width, n in counts.items() if width), default=0)
    chosen = max(candidates, key=fits.__getitem__)
    if not fits[chosen]:
        raise DataError(path, "has one column; two are needed in each row")
    return chosen
