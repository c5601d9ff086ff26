"""Real numbers in the cells of text files, and how many of them a file may hold."""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from math import isinf, nan
from pathlib import Path

import numpy as np

from recurra.data.readers.columns import MISSING
from recurra.errors import DataError

ABSENT = MISSING | {"?", "NA", "N/A", "na", "n/a", "none"}
MOST = 100_000_000  # numbers of a file: 800 MB
COMMA = re.compile(r"[+-]?\d*,\d+")


def real(cell: str) -> float:
    """Return a cell's number, with a decimal point or comma; NaN where it is missing.

    Raises:
        ValueError: it holds something else, or what is infinite.
    """
    text = cell.strip()
    if text in ABSENT:
        return nan
    if COMMA.fullmatch(text):
        text = text.replace(",", ".")
    number = float(text)
    if isinf(number) or "_" in text:
        raise ValueError(text)
    return number


def is_real(cell: str) -> bool:
    """Whether a cell holds a number, or a mark that it is missing."""
    try:
        real(cell)
    except ValueError:
        return False
    return True


def reals(cells: Sequence[str]) -> array[float]:
    """Return the numbers of cells.

    Raises:
        ValueError: with the first cell that holds none.
    """
    try:  # at once where all are plain
        found = np.array(cells, dtype=np.float64)
    except ValueError:
        return array("d", map(real, cells))
    if np.isfinite(found).all() and not any("_" in cell for cell in cells):
        return array("d", found.tobytes())
    return array("d", map(real, cells))


class Room:
    """How many more numbers a file may hold, so that no file takes all memory.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.left = path, MOST

    def take(self, count: int, row: int) -> None:
        """Count numbers that were read.

        Raises:
            DataError: they are too many.
        """
        self.left -= count
        if self.left < 0:
            raise DataError(
                self.path, f"holds over {MOST:,} numbers up to here; give smaller files", row
            )
