"""The cells of a file's lines: cut at tabs, at blanks, or as CSV, whichever fits the tags."""

import csv
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from recurra.data.readers.text import LONGEST_ROW, Rows, every_line

TAG = re.compile(r"O|([BIESLU])-(\S+)")
DOCUMENT = "-DOCSTART-"
BLANKS = re.compile("[ \t]+")  # no other space parts columns: it may stand within a token
QUOTED = re.compile(r'"(?:[^"]|"")*"')
LOOK = 1000  # lines looked at to see how cells are parted

Cut = Callable[[str], list[str]]


class Line(NamedTuple):
    """A line's number and its cells: none where it is blank, None where it cannot be read."""

    row: int
    cells: list[str] | None


def by_tabs(line: str) -> list[str]:
    """Return the cells between tabs."""
    return [cell.strip(" ") for cell in line.split("\t")]


def by_blanks(line: str) -> list[str]:
    """Return the cells between runs of spaces and tabs."""
    return BLANKS.split(line.strip(" \t"))


def by(delimiter: str) -> Cut:
    """Return what cuts a line of CSV; double quotes protect delimiters.

    A token has no line end, so a quote that is not closed is its own line's fault alone.
    """

    def cut(line: str) -> list[str]:
        cells = next(csv.reader([line], delimiter=delimiter, strict=True), [])
        return [cell.strip(" \t") for cell in cells]

    return cut


def cut_lines(path: Path, rows: Rows) -> tuple[list[Line], bool]:
    """Return the lines of a file as cells, and whether it is CSV.

    Raises:
        DataError: the file cannot be used; or a line cannot be read and `rows` does not skip.
    """
    csv.field_size_limit(LONGEST_ROW)
    numbered = list(every_line(path, rows))
    written = [line for _, line in numbered if line is not None and line.strip()]
    head = [line for line in written if not line.startswith(("#", DOCUMENT))][:LOOK] or written
    commas = {by(delimiter): True for delimiter in ",;|"}
    bare = {by_tabs: False, by_blanks: False}
    ending = path.name.lower().removesuffix(".gz")
    cuts: dict[Cut, bool] = commas | bare if ending.endswith(".csv") else bare | commas
    cut = max(cuts, key=lambda cut: _fit(cut, head))
    if cut is by_tabs and _quoted(head):
        cut = by("\t")
    return [Line(row, _cells(path, row, line, cut, rows)) for row, line in numbered], cuts.get(
        cut, True
    )


def _fit(cut: Cut, lines: Iterable[str]) -> tuple[int, int]:
    """Return how many lines have a tag in the usual number of cells, and how many have that."""
    widths: Counter[int] = Counter()
    tagged: Counter[int] = Counter()
    for line in lines:
        try:
            cells = cut(line)
        except csv.Error:
            continue
        if len(cells) > 1:
            widths[len(cells)] += 1
            tagged[len(cells)] += any(map(TAG.fullmatch, cells))
    return max(((tagged[width], count) for width, count in widths.items()), default=(0, 0))


def _quoted(lines: Iterable[str]) -> bool:
    """Return whether tab-separated cells are quoted as CSV's are: each that has a quote is."""
    cells = [cell for line in lines for cell in line.split("\t") if '"' in cell]
    doubled = any('""' in cell[1:-1] for cell in cells)
    return doubled and all(QUOTED.fullmatch(cell) for cell in cells)


def _cells(path: Path, row: int, line: str | None, cut: Cut, rows: Rows) -> list[str] | None:
    if line is None:
        return None
    if not line.strip():
        return []
    try:
        cells = cut(line)
    except csv.Error as error:
        rows.bad(path, f"is quoted wrongly: {error}", row)
        return None
    # Tags and parts of speech are few strings, each of which a large file holds once.
    return [sys.intern(cell) for cell in cells] if any(cells) else []
