"""Figures of serving: what was asked, what was found, and what the one says beside the other."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from recurra.errors import RecurraError
from recurra.storage import reason, replace_text

REACHED = ("reaches the aim", "reaches what was asked")
LOST = ("MISSES what was asked", "misses the aim")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One figure.

    Args:
        question: its name.
        part: of the question.
        figure: what was found.
        unit: of the figure.
        must: good enough; None where nothing was set.
        aim: aimed at; None where nothing was set.
        less: whether less is better.
        note: what else there is to say, in one line.
        details: a table of what the figure is made from.
        machine: where and when it was measured.
    """

    question: str
    part: str
    figure: float
    unit: str
    must: float | None = None
    aim: float | None = None
    less: bool = False
    note: str = ""
    details: Sequence[Mapping[str, Any]] = field(default_factory=list)
    machine: str = ""

    @property
    def verdict(self) -> str:
        """What the figure means beside what was asked for, in words; "" where nothing was."""
        if self.aim is not None and self._reaches(self.aim):
            return REACHED[0]
        if self.must is not None:
            return REACHED[1] if self._reaches(self.must) else LOST[0]
        return "" if self.aim is None else LOST[1]

    def _reaches(self, bound: float) -> bool:
        return self.figure <= bound if self.less else self.figure >= bound


def holds(step: Mapping[str, float], within: float) -> bool:
    """Whether a load was answered in time: all frames, 99 in 100 of them within milliseconds."""
    return step["unanswered"] == 0 and step["p99_ms"] < within


def search(levels: Sequence[int], held: Callable[[int], bool], halvings: int = 2) -> int:
    """Return the largest level that is held, 0 where none is.

    Levels are tried upward until one is missed twice in a row, since something else may have had
    the processor once; then the gap to the one before is halved.

    Args:
        levels: in rising order.
        held: tries one.
        halvings: of the gap.
    """
    best, missed = 0, None
    for level in levels:
        if not (held(level) or held(level)):
            missed = level
            break
        best = level
    for _ in range(halvings if missed is not None else 0):
        assert missed is not None, "there is a gap"
        middle = (best + missed) // 2
        if middle in (best, missed):
            break
        if held(middle):
            best = middle
        else:
            missed = middle
    return best


def ratio(ours: float, other: float) -> float:
    """Return ours over the other's; without end where the other has nothing."""
    if other:
        return ours / other
    return float("inf") if ours else 1.0


def growth(samples: Sequence[float], warm: float = 0.1, share: float = 0.1) -> float:
    """Return by how much samples grow in percent, the last of them beside the first after warmth.

    Args:
        samples: at even distances.
        warm: share that is left out at the beginning.
        share: of the rest, how much is taken at either end; medians are compared.
    """
    rest = sorted_ends(samples[int(len(samples) * warm) :], share)
    return 100 * (rest[1] / rest[0] - 1)


def sorted_ends(samples: Sequence[float], share: float) -> tuple[float, float]:
    """Return the medians of the first and of the last samples.

    Raises:
        RecurraError: there are too few.
    """
    size = int(len(samples) * share)
    if size < 1:
        raise RecurraError(f"{len(samples)} samples are too few; take a longer run")
    return median(samples[:size]), median(samples[-size:])


def median(values: Iterable[float]) -> float:
    """Return the middle one, or the mean of the middle two."""
    found = sorted(values)
    half = len(found) // 2
    return found[half] if len(found) % 2 else (found[half - 1] + found[half]) / 2


def merge(old: Sequence[Row], new: Sequence[Row], order: Sequence[str]) -> list[Row]:
    """Return all rows in the questions' order; those of a question that was answered anew go."""
    answered = {row.question for row in new}
    rows = [*(row for row in old if row.question not in answered), *new]
    return sorted(rows, key=lambda row: order.index(row.question))


def read(path: Path, known: Sequence[str]) -> list[Row]:
    """Return the rows of a file, those of known questions; none where there is no file.

    Raises:
        RecurraError: the file is damaged, or not one of ours.
    """
    if not path.exists():
        return []
    names = {one.name for one in fields(Row)}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        rows = [Row(**{k: v for k, v in one.items() if k in names}) for one in content]
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise RecurraError(
            f"{path} cannot be read: {reason(error)}; delete it to start afresh"
        ) from error
    return [row for row in rows if row.question in known]


def write(path: Path, rows: Sequence[Row]) -> None:
    """Write the rows, one a line."""
    lines = ",\n".join(json.dumps(asdict(row), ensure_ascii=False) for row in rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_text(path, f"[\n{lines}\n]\n")
