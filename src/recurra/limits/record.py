"""Findings in a file: written as soon as there is one, read to put new ones in their places."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from recurra.errors import RecurraError
from recurra.limits.finding import Limit
from recurra.reports import Plot, Table
from recurra.storage import read_bytes, reason, replace_text

MOST = 16 << 20  # bytes of a file that are read


def read(path: Path) -> list[Limit]:
    """Return the findings of a file, none where there is no file.

    Raises:
        RecurraError: the file is damaged, too large, or not one of ours.
    """
    if not path.exists():
        return []
    content = read_bytes(path, MOST)
    try:
        return [_limit(one) for one in json.loads(content)]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise RecurraError(
            f"{path} holds no findings of ours: {reason(error)}; delete it to start afresh"
        ) from error


def write(path: Path, found: Sequence[Limit]) -> None:
    """Write the findings; a number that is none stands as null.

    Raises:
        RecurraError: the disk refused.
    """
    text = json.dumps(_plain([asdict(one) for one in found]), indent=1, ensure_ascii=False)
    try:
        replace_text(path, text + "\n")
    except OSError as error:
        raise RecurraError(f"{path} cannot be written: {reason(error)}") from error


def merge(old: Sequence[Limit], new: Limit, order: Sequence[str]) -> list[Limit]:
    """Return the findings with a new one in the place of the old one of its name, in an order."""
    kept = [one for one in old if one.name != new.name] + [new]
    place = {name: k for k, name in enumerate(order)}
    return sorted(kept, key=lambda one: place.get(one.name, len(place)))


def _limit(entry: dict[str, Any]) -> Limit:
    return Limit(
        **{
            **entry,
            "seeds": tuple(entry["seeds"]),
            "tables": tuple(Table(**table) for table in entry["tables"]),
            "plots": tuple(Plot(**_numbers(plot)) for plot in entry["plots"]),
        }
    )


def _numbers(plot: dict[str, Any]) -> dict[str, Any]:
    """Return a plot's values as it takes them: points are tuples, null is no number."""
    lines = {name: _points(line) for name, line in plot["lines"].items()}
    bands = plot["bands"] and {name: _points(band) for name, band in plot["bands"].items()}
    return {**plot, "lines": lines, "bands": bands}


def _points(line: list[list[float | None]]) -> list[tuple[float, ...]]:
    return [tuple(math.nan if number is None else number for number in point) for point in line]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
