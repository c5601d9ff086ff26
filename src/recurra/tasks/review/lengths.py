"""How well it goes with the short and with the long."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from recurra.reports import Part, Table
from recurra.reports.table import Cell

BUCKETS = 5
Number = int | float
Measure = Callable[[Sequence[int]], Mapping[str, float]]


class Bucket(NamedTuple):
    """The rows whose length lies from `low` to `high`."""

    low: Number
    high: Number
    rows: list[int]


def by_length(sizes: Sequence[Number]) -> list[Bucket]:
    """Return up to five buckets of about as many rows; rows of one length share a bucket."""
    ranked = sorted(sizes)
    ends = [-(-len(ranked) * k // BUCKETS) - 1 for k in range(1, BUCKETS + 1) if ranked]
    found: list[Bucket] = []
    below: Number = float("-inf")
    for top in sorted({ranked[end] for end in ends}):
        rows = [i for i, size in enumerate(sizes) if below < size <= top]
        found.append(Bucket(min(sizes[i] for i in rows), top, rows))
        below = top
    return found


def per_length(sizes: Sequence[Number], unit: str, measure: Measure) -> list[Part]:
    """Return a table of figures for each bucket; nothing where all rows are as long.

    Args:
        sizes: length of each row.
        unit: what it is counted in.
        measure: numbers of rows → their figures.
    """
    buckets = by_length(sizes)
    if len(buckets) < 2:
        return []
    figures = [measure(bucket.rows) for bucket in buckets]
    rows: list[list[Cell]] = [
        [_range(bucket), len(bucket.rows), *found.values()]
        for bucket, found in zip(buckets, figures, strict=True)
    ]
    return [Table("By length", [unit, "rows", *figures[0]], rows)]


def _range(bucket: Bucket) -> str:
    low, high = (f"{end:,}" if isinstance(end, int) else f"{end:.3g}" for end in bucket[:2])
    return low if low == high else f"{low} – {high}"
