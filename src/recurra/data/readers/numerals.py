"""Numbers as files write them: a point or a comma before decimals, and what stands for none."""

import re
from collections.abc import Iterable

from recurra.data.readers.columns import MISSING

NONE = MISSING | {"NA", "N/A", "n/a", "na", "#N/A", "<NA>", "-", "?", "none"}
GROUPED = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?")
GROUPED_BY_POINTS = re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+(?:,\d*)?")


def number(cell: str, decimal: str = "point") -> float | None:
    """Return the number of a cell, NaN where it is missing, None where it is no number."""
    cell = cell.strip()
    if cell in NONE:
        return float("nan")
    if "," in cell:
        if decimal == "comma":
            cell = cell.replace(".", "").replace(",", ".") if _by_comma(cell) else "no"
        else:
            cell = cell.replace(",", "") if GROUPED.fullmatch(cell) else "no"
    elif decimal == "comma" and GROUPED_BY_POINTS.fullmatch(cell):
        cell = cell.replace(".", "")
    try:
        return None if "_" in cell else float(cell)
    except ValueError:
        return None


def decimal_of(cells: Iterable[str]) -> tuple[str, bool]:
    """Return which sign stands before decimals, "point" or "comma", and whether it was assumed.

    A comma that does not part thousands tells; where each could (1,234), it is taken for one
    before decimals, as a file with those parts its cells by something else.
    """
    doubtful = False
    for cell in cells:
        cell = cell.strip()
        if "," not in cell:
            continue
        if not GROUPED.fullmatch(cell):
            if number(cell, "comma") is not None:
                return "comma", True
        elif "." in cell or cell.count(",") > 1:
            return "point", False
        else:
            doubtful = True
    return ("comma", True) if doubtful else ("point", False)


def _by_comma(cell: str) -> bool:
    return cell.count(",") == 1 and ("." not in cell or bool(GROUPED_BY_POINTS.fullmatch(cell)))
