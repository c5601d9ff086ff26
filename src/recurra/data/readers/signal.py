"""A signal with its label, and what is decided for all files of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recurra.data.readers.text import Rows
from recurra.errors import DataError
from recurra.training.options import SignalTable

if TYPE_CHECKING:
    from recurra.data.readers.signal_columns import Form
    from recurra.data.readers.table import Table


class Signal(NamedTuple):
    """Numbers along time, with the label of all of them or one for each step.

    Args:
        values: [time, channels] float64; NaN where a number is missing.
        channels: their names.
        label: of the whole, or "" where it is unknown or steps have their own.
        steps: the label of each step; none where the whole has one.
        where: the file and row that it begins in.
    """

    values: NDArray[np.float64]
    channels: tuple[str, ...]
    label: str
    steps: list[str]
    where: str

    @property
    def labels(self) -> list[str]:
        """Return the different labels that it has."""
        return sorted(set(self.steps)) or [self.label]


@dataclass
class Plan:
    """How the files of a run are read, as the recipe says and the training part shows.

    Args:
        recipe: the run's.
        known: the labels of a model that is to predict; none: files have labels, and are read to
            be learned from or measured on.
        channels: the model's, where it is to predict.
        per_step: whether each step has a label; None: not yet known.
        names: the channels of the first file.
        table: the first file, where it is one.
        form: what its columns are.
    """

    recipe: SignalTable
    known: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    per_step: bool | None = None
    names: tuple[str, ...] = ()
    table: Table | None = None
    form: Form | None = None

    @property
    def labelled(self) -> bool:
        """Whether each series must have a label."""
        return not self.known


def settled(signals: list[Signal], rows: Rows, plan: Plan) -> list[Signal]:
    """Return signals with one label each, or all with one per step, as the first file decides.

    Raises:
        DataError: a label changes within a series where each is to have one; or the channels are
            others than those of the first file.
    """
    if plan.per_step is None and signals:
        changing = next((one for one in signals if len(set(one.steps)) > 1), None)
        wanted = plan.recipe.labels
        plan.per_step = wanted == "step" or (wanted == "auto" and changing is not None)
        if plan.per_step and wanted == "auto" and changing is not None:
            rows.note(_file(changing), "labels change within a series; a label per step (--labels)")
    found = []
    for one in signals:
        plan.names = plan.names or one.channels
        path, row = _place(one)
        if len(one.channels) != len(plan.names):
            raise DataError(
                path,
                f"has {counted(len(one.channels), 'channel')} where the first series has "
                f"{len(plan.names)}",
                row,
            )
        if plan.per_step:
            steps = one.steps or [one.label] * len(one.values)
            found.append(one._replace(label="", steps=steps))
        elif len(set(one.steps)) > 1:
            a, b = list(dict.fromkeys(one.steps))[:2]
            reason = f"has labels {a!r} and {b!r} in one series (--labels step: one per step)"
            rows.bad(path, reason, row)
        else:
            found.append(one._replace(label=one.steps[0] if one.steps else one.label, steps=[]))
    return found


def counted(number: int, noun: str) -> str:
    """Return a number of things: 1 channel, 3 channels."""
    return f"{number:,} {noun}" + "s" * (number != 1)


def _place(signal: Signal) -> tuple[str, int | None]:
    path, _, row = signal.where.rpartition(":")
    return (path, int(row)) if path and row.isdigit() else (signal.where, None)


def _file(signal: Signal) -> str:
    return _place(signal)[0]
