"""Signals and labels as a NumPy archive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recurra.data.readers.arrays import NPZ_PARTS, array_of, label_of, opened
from recurra.data.readers.columns import as_label
from recurra.data.readers.reals import MOST
from recurra.data.readers.signal import Plan, Signal
from recurra.data.readers.text import Rows
from recurra.errors import DataError

SERIES = ("x", "X", "series", "data")
LABELS = ("y", "Y", "labels", "targets")
LENGTHS = ("lengths", "length")


def read_npz(path: Path, rows: Rows, plan: Plan) -> dict[str, list[Signal]]:
    """Return the signals of an archive, by part; all are "train" where no parts are named.

    x [count time] or [count time channels], y [count] or, a label per step, [count time], and
    lengths [count] where series are padded; x_train, y_train … for the parts.

    Raises:
        DataError: it cannot be used, or one of its series and `rows` does not skip.
    """
    with opened(path) as loaded:
        have = loaded.files
        parts = {
            part: tuple(f"{names[0]}_{name}" for names in (SERIES, LABELS, LENGTHS))
            for part, name in NPZ_PARTS
            if f"x_{name}" in have
        }
        if not parts:
            x, y, n = (
                next((name for name in names if name in have), names[0])
                for names in (SERIES, LABELS, LENGTHS)
            )
            parts = {"train": (x, y, n)}
        found = {}
        for part, (x, y, n) in parts.items():
            if x not in have or (y not in have and plan.labelled):
                listed = ", ".join(have) or "none"
                raise DataError(path, f"needs arrays {x} and {y}; it has {listed}")
            arrays = [array_of(path, loaded, name) if name in have else None for name in (x, y, n)]
            found[part] = list(_signals(path, *arrays, rows=rows, plan=plan))
    return found


def _signals(
    path: Path,
    x: NDArray[Any] | None,
    y: NDArray[Any] | None,
    lengths: NDArray[Any] | None,
    *,
    rows: Rows,
    plan: Plan,
) -> list[Signal]:
    assert x is not None
    wide = x[..., None] if x.ndim == 2 else x
    if wide.ndim != 3 or wide.dtype.kind not in "uifb":
        raise DataError(
            path, f"has series of shape {x.shape} and {x.dtype}; numbers [count time channels] go"
        )
    count, time, channels = wide.shape
    if wide.size > MOST:
        raise DataError(path, f"holds over {MOST:,} numbers; give smaller files")
    if x.ndim == 3:
        rows.note(
            path,
            f"{time} × {channels} is read as steps and channels; where channels are first, "
            "transpose the array",
        )
    if y is not None and y.shape not in ((count,), (count, time)):
        raise DataError(path, f"has labels of shape {y.shape}; ({count},) or ({count}, {time}) go")
    if lengths is not None and (lengths.shape != (count,) or lengths.dtype.kind not in "ui"):
        raise DataError(
            path, f"has lengths {lengths.shape}, {lengths.dtype}; whole ones, ({count},)"
        )
    names = tuple(f"channel {i}" for i in range(1, channels + 1))
    found = []
    for i in range(count):
        steps = time if lengths is None else int(lengths[i])
        values = wide[i, :steps].astype(np.float64)
        told = None if y is None else y[i][:steps] if y.ndim == 2 else y[i : i + 1]
        labels = [] if told is None else [as_label(label_of(one) or "") for one in told.tolist()]
        reason = None
        if not 1 <= steps <= time:
            reason = f"has a length of {steps}; from 1 to {time} go"
        elif np.isinf(values).any():
            reason = "has a value that is infinite"
        elif "" in labels and plan.labelled:
            reason = "has no label"
        if reason is not None:
            rows.bad(path, reason, i + 1)
            continue
        each = labels if y is not None and y.ndim == 2 else []
        label = "" if each or not labels else labels[0]
        found.append(Signal(values, names, label, each, f"{path}:{i + 1}"))
    return found
