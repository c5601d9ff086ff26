"""What the exams showed: one row each, in one JSON file."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields
from importlib.metadata import version
from pathlib import Path
from statistics import mean
from typing import Any

from recurra.benchmarks.quality.exam import Answer, Exam
from recurra.errors import RecurraError
from recurra.storage import reason, replace_text


@dataclass(frozen=True, kw_only=True)
class Row:
    """One exam.

    Args:
        name: the exam's.
        metric: what is measured.
        value: mean of the seeds' values.
        values: of each seed.
        seeds: those that were run.
        others: further metrics, the means of the seeds'.
        peers: by name, their metrics, the means of the seeds'.
        epochs: seconds of an epoch of training, by whose loop.
        parameters: of the network.
        seconds: of one run, the mean of the seeds'.
        threads: of recurra and its peers.
        command: that runs the exam again.
        revision: of recurra.
        data_sha256: of the files that were read.
        machine: where and when.
        note: what else there is to say.
    """

    name: str
    metric: str
    value: float
    values: tuple[float, ...]
    seeds: tuple[int, ...]
    others: dict[str, float] = field(default_factory=dict)
    peers: dict[str, dict[str, float]] = field(default_factory=dict)
    epochs: dict[str, float] = field(default_factory=dict)
    parameters: int
    seconds: float
    threads: int
    command: str
    revision: str
    data_sha256: str
    machine: str = ""
    note: str = ""


def row(
    exam: Exam,
    answers: Sequence[tuple[int, Answer, dict[str, dict[str, float]]]],
    **common: Any,
) -> Row:
    """Return the row of an exam.

    Args:
        exam: which.
        answers: of each seed: the seed, recurra's answer, the peers'.
        common: threads, command, revision, data_sha256, machine.
    """
    seeds, ours, theirs = zip(*answers, strict=True)
    return Row(
        name=exam.name,
        metric=exam.metric,
        value=mean(one.value for one in ours),
        values=tuple(one.value for one in ours),
        seeds=tuple(seeds),
        others=means([one.others for one in ours]),
        peers={
            name: means([peers[name] for peers in theirs if name in peers]) for name in theirs[0]
        },
        epochs=next((one.epochs for one in ours if one.epochs), {}),
        parameters=ours[0].parameters,
        seconds=round(mean(one.seconds for one in ours), 1),
        note=ours[-1].note,
        **common,
    )


def means(several: Sequence[dict[str, float]]) -> dict[str, float]:
    """Return the mean of each entry that all have."""
    shared = [name for name in several[0] if all(name in one for one in several)]
    return {name: mean(one[name] for one in several) for name in shared}


def digest(folder: Path, patterns: Iterable[str]) -> str:
    """Return the sha256 of a folder's files, by their names and what they hold.

    Raises:
        RecurraError: a pattern finds none.
    """
    total = hashlib.sha256()
    for pattern in patterns:
        found = sorted(path for path in folder.glob(pattern) if path.is_file())
        if not found:
            raise RecurraError(
                f"{folder} has no {pattern}; give the root of the data by --data-root"
            )
        for path in found:
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
            total.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    return total.hexdigest()


def revision() -> str:
    """Return which recurra this is: its version and, in a checkout, the commit."""
    here = Path(__file__).parents[2]
    asked = (["describe", "--always", "--exclude=*"], ["status", "--porcelain", "."])
    try:
        commit, changed = (
            subprocess.run(
                ["git", *words], cwd=here, capture_output=True, text=True, check=True
            ).stdout.strip()
            for words in asked
        )
    except (OSError, subprocess.CalledProcessError):
        return version("recurra")
    return f"{version('recurra')} {commit}" + (" and changes" if changed else "")


def read(path: Path) -> list[Row]:
    """Return the rows of a file, none where there is no file.

    Raises:
        RecurraError: the file is damaged or not one of ours.
    """
    if not path.exists():
        return []
    known = {one.name for one in fields(Row)}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        rows = [{name: one[name] for name in one if name in known} for one in content]
        return [
            Row(**{**one, "values": tuple(one["values"]), "seeds": tuple(one["seeds"])})
            for one in rows
        ]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise RecurraError(
            f"{path} is no list of our rows: {reason(error)}; delete it to start afresh"
        ) from error


def write(path: Path, rows: Sequence[Row]) -> None:
    """Write the rows.

    Raises:
        RecurraError: the disk refused.
    """
    text = json.dumps([asdict(one) for one in rows], indent=1, ensure_ascii=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_text(path, text + "\n")
    except OSError as error:
        raise RecurraError(f"{path} cannot be written: {reason(error)}") from error


def merge(old: Sequence[Row], new: Row) -> list[Row]:
    """Return the rows with a new one in the place of the old one of its name."""
    kept = [new if one.name == new.name else one for one in old]
    return kept if new in kept else [*kept, new]
