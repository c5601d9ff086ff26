"""What a model says of signals: the class of each, or of each step, and since when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from recurra.codecs.written import write


@dataclass(frozen=True)
class SignalPrediction:
    """The class of a signal, and the probability of every class.

    Args:
        signal: the file, file:row where it holds several, or "input 1".
        label: the likeliest class.
        probability: its own.
        probabilities: of every class.
        since: steps that had been heard when the answer became this one for good; None where the
            model waits for the end (it reads both ways, or scales each series by itself).
        heard: of every class, its probability after each step; None likewise.
    """

    signal: str
    label: str
    probability: float
    probabilities: dict[str, float]
    since: int | None = None
    heard: dict[str, list[float]] | None = None

    @classmethod
    def of(cls, signal: str, labels: Sequence[str], p: Any, heard: Any) -> SignalPrediction:
        """Return the answer of probabilities, as arrays or tensors.

        Args:
            signal: its name.
            labels: the classes' names.
            p: of the whole [classes].
            heard: after each step [time classes]; None: the end was waited for.
        """
        best = int(p.argmax())
        told = dict(zip(labels, p.tolist(), strict=True))
        if heard is None:
            return cls(signal, labels[best], float(p[best]), told)
        since = settled_at([*heard[:-1].argmax(-1).tolist(), best])
        after = dict(zip(labels, heard.T.tolist(), strict=True))
        return cls(signal, labels[best], float(p[best]), told, since, after)

    def asdict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    def __str__(self) -> str:
        """Show label, certainty, since when, and the signal's name."""
        since = (
            ""
            if self.since is None or self.heard is None
            else (f"since step {self.since} of {len(next(iter(self.heard.values())))}   ")
        )
        return f"{self.label:<12} {self.probability:6.1%}   {since}{self.signal}"

    def row(self) -> dict[str, Any]:
        """Return a line of a table."""
        since = {} if self.since is None else {"since": self.since}
        return {"signal": self.signal, "label": self.label, **since, **self.probabilities}

    def save(self, path: Path) -> Path:
        """Write it as .csv (a row) or .json."""
        return write(path, table([self.row()]), self.asdict())


@dataclass(frozen=True)
class StepPrediction:
    """The class of each step of a signal.

    Args:
        signal: the file, file:row where it holds several, or "input 1".
        labels: the likeliest class of each step.
        probabilities: of every class, its probability at each step.
    """

    signal: str
    labels: list[str]
    probabilities: dict[str, list[float]]

    @classmethod
    def of(cls, signal: str, labels: Sequence[str], p: Any) -> StepPrediction:
        """Return the answer of each step's probabilities [time classes], an array or tensor."""
        likeliest = [labels[i] for i in p.argmax(-1).tolist()]
        return cls(signal, likeliest, dict(zip(labels, p.T.tolist(), strict=True)))

    def asdict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    def __str__(self) -> str:
        """Show which steps have which label."""
        runs, start = [], 1
        for label, steps in groupby(self.labels):
            stop = start + len(list(steps))
            runs.append(f"{label} {start}-{stop - 1}" if stop - start > 1 else f"{label} {start}")
            start = stop
        return f"{', '.join(runs[:8])}{' …' if runs[8:] else ''}   {self.signal}"

    def rows(self) -> list[dict[str, Any]]:
        """Return a line of a table for each step."""
        return [
            {
                "signal": self.signal,
                "step": i + 1,
                "label": label,
                **{name: steps[i] for name, steps in self.probabilities.items()},
            }
            for i, label in enumerate(self.labels)
        ]

    def save(self, path: Path) -> Path:
        """Write it as .csv (a row per step) or .json."""
        return write(path, table(self.rows()), self.asdict())


@dataclass(frozen=True)
class FilePrediction:
    """What is said of each signal of a file that holds several.

    Args:
        file: its name.
        signals: the answers, in the order of the file.
    """

    file: str
    signals: list[SignalPrediction] | list[StepPrediction]

    def asdict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"file": self.file, "signals": [one.asdict() for one in self.signals]}

    def __str__(self) -> str:
        """Show how many signals have which label."""
        counts: dict[str, int] = {}
        for one in self.signals:
            for label in one.labels if isinstance(one, StepPrediction) else [one.label]:
                counts[label] = counts.get(label, 0) + 1
        what = "steps" if isinstance(self.signals[0], StepPrediction) else "signals"
        listed = sorted(counts.items(), key=lambda pair: -pair[1])
        shown = ", ".join(f"{label} {count:,}" for label, count in listed[:8])
        more = " …" if listed[8:] else ""
        return f"{len(self.signals):,} signals; {what}: {shown}{more}   {self.file}"

    def save(self, path: Path) -> Path:
        """Write it as .csv (a row per signal, or per step) or .json."""
        lines: list[dict[str, Any]] = []
        for one in self.signals:
            lines += one.rows() if isinstance(one, StepPrediction) else [one.row()]
        return write(path, table(lines), self.asdict())


def table(rows: Sequence[dict[str, Any]]) -> list[list[Any]]:
    """Return lines of values as a table, the names of its columns first."""
    return [list(rows[0]), *(list(row.values()) for row in rows)]


def settled_at(likeliest: Sequence[int]) -> int:
    """Return the step, counted from 1, since which the answer is the last one."""
    step = len(likeliest)
    while step > 1 and likeliest[step - 2] == likeliest[-1]:
        step -= 1
    return step


def by_input(
    inputs: Sequence[Any], groups: Sequence[Sequence[Any]], answers: Sequence[Any]
) -> list[Any]:
    """Return one answer per input: what is said of its signal, or of each that it holds.

    Args:
        inputs: their names.
        groups: the signals of each.
        answers: of all signals, one after another.
    """
    found, left = list[Any](), list(answers)
    for given, group in zip(inputs, groups, strict=True):
        told, left = left[: len(group)], left[len(group) :]
        found.append(told[0] if len(told) == 1 else FilePrediction(str(given), told))
    return found
