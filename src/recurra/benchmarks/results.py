"""What was measured: one row per question, cell, shape and peer, in one JSON file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from recurra.errors import RecurraError
from recurra.storage import reason, replace_text


@dataclass(frozen=True, kw_only=True)
class Row:
    """One comparison.

    Args:
        question: its name.
        part: the part of the question, which has a process of its own.
        cell: what was unrolled.
        shape: batch, time, input, hidden; empty where there is none.
        threads: of both sides.
        engine: recurra's, as chosen by itself.
        peer: whom recurra is compared with; "limit …" where it is a number to keep below.
        ratio: the peer's median time over recurra's: above 1, recurra is faster. Where something
            else than time is measured, the peer's amount, or the limit, over recurra's.
        spread: distance of the quartiles of the rounds' ratios, as a share of their median.
        ours_ms: recurra's median, in milliseconds; None where time is not what is measured.
        peer_ms: the peer's.
        must: the least ratio that is good enough; None where none was set.
        aim: the ratio aimed at.
        error: recurra's largest difference from float64, as a share of the largest number.
        peer_error: the peer's.
        note: what else there is to say.
        machine: where and when it was measured; "" where that was not noted yet.
    """

    question: str
    part: str
    cell: str
    shape: tuple[int, ...]
    threads: int
    engine: str
    peer: str
    ratio: float
    spread: float | None = None
    ours_ms: float | None = None
    peer_ms: float | None = None
    must: float | None = None
    aim: float | None = None
    error: float | None = None
    peer_error: float | None = None
    note: str = ""
    machine: str = ""

    @property
    def key(self) -> tuple[Any, ...]:
        """Return what a newer row of the same comparison has too."""
        return (
            self.question,
            self.part,
            self.cell,
            tuple(self.shape),
            self.threads,
            self.peer,
            self.note,
        )

    @property
    def verdict(self) -> str:
        """Return what the ratio means beside what was asked for."""
        if self.must is None:
            return "won" if self.ratio >= 1 else "LOST"
        if self.ratio < self.must:
            return "MISSED"
        return "aim" if self.aim is not None and self.ratio >= self.aim else "reached"


def parse(given: dict[str, Any]) -> Row:
    """Return a row of its JSON object.

    Raises:
        RecurraError: it is none of ours.
    """
    known = {field.name for field in fields(Row)}
    values = {name: value for name, value in given.items() if name in known}
    try:
        return Row(**{**values, "shape": tuple(values["shape"])})
    except (KeyError, TypeError) as error:
        raise RecurraError(f"a row of the results is not one of ours: {error}") from error


def read(path: Path) -> list[Row]:
    """Return the rows of a file, none where there is no file.

    Raises:
        RecurraError: the file is damaged or not one of ours.
    """
    if not path.exists():
        return []
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecurraError(
            f"{path} cannot be read: {reason(error)}; delete it to start afresh"
        ) from error
    if not isinstance(content, list):
        raise RecurraError(f"{path} holds no list of rows; delete it to start afresh")
    return [parse(given) for given in content]


def merge(old: Iterable[Row], new: Sequence[Row], *, whole: bool) -> list[Row]:
    """Return the old rows with the new ones in their places.

    Args:
        old: what was known.
        new: rows of one part of a question.
        whole: the part was answered to its end: its older rows that were not measured again
            are of a peer or shape that is no more.
    """
    places = {row.key for row in new}
    parts = {(row.question, row.part, row.threads) for row in new} if whole else set()
    kept = [
        row
        for row in old
        if row.key not in places and (row.question, row.part, row.threads) not in parts
    ]
    return [*kept, *new]


def write(path: Path, rows: Sequence[Row]) -> None:
    """Write the rows, one a line.

    Raises:
        RecurraError: the disk refused.
    """
    lines = ",\n".join(json.dumps(asdict(row), ensure_ascii=False) for row in rows)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_text(path, f"[\n{lines}\n]\n")
    except OSError as error:
        raise RecurraError(f"{path} cannot be written: {reason(error)}") from error
