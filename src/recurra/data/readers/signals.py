"""Labelled signals: `.ts` files, tables of a row per series or per step, NumPy archives."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from recurra.data.readers.arrays import is_npz
from recurra.data.readers.objects import JSON_ENDINGS
from recurra.data.readers.signal import Plan, Signal, settled
from recurra.data.readers.signal_arrays import read_npz
from recurra.data.readers.signal_tables import read_table
from recurra.data.readers.source import Format, assemble, read_parts
from recurra.data.readers.text import Rows, existing, existing_file
from recurra.data.readers.ts import is_ts, read_ts
from recurra.data.splits import Splits
from recurra.errors import DataError
from recurra.training.options import SignalTable

TABLES = (".csv", ".tsv", ".tab", ".txt", *JSON_ENDINGS)


def read(recipe: SignalTable) -> Splits[Signal]:
    """Return the labelled signals of `recipe.data`, in three parts.

    Raises:
        DataError: a file or row cannot be used.
    """
    plan = Plan(recipe)
    form = Format(
        read=partial(read_labelled, plan=plan),
        accepts=accepted(Path(str(recipe.data)).expanduser()),
        content=lambda signal: f"{signal.values.shape}".encode() + signal.values.tobytes(),
        labels=lambda signal: signal.labels,
        least=2,
    )
    path = Path(str(recipe.data)).expanduser()
    if not is_npz(path):
        return read_parts(recipe, form)
    rows = Rows.of(recipe)
    parts = read_npz(path, rows, plan)
    if "train" not in parts:
        raise DataError(path, f"holds a {' and a '.join(parts)} part; x_train, y_train are needed")
    parts = {part: settled(parts[part], rows, plan) for part in sorted(parts, key=_train_first)}
    for part, named in [("valid", recipe.valid), ("test", recipe.test)]:
        if named == recipe.data:
            parts.setdefault(part, parts["train"])
        elif named:
            parts[part] = read_labelled(existing(named), rows, plan)
    return assemble(parts, recipe, form, rows)


def _train_first(part: str) -> bool:
    return part != "train"


def read_labelled(path: Path, rows: Rows, plan: Plan) -> list[Signal]:
    """Return the signals of one file, each with its label, or one for each of its steps.

    Raises:
        DataError: the file cannot be used, or one of its rows and `rows` does not skip.
    """
    return settled(read_file(path, rows, plan), rows, plan)


def read_file(path: Path, rows: Rows, plan: Plan) -> list[Signal]:
    """Return the signals of one file, whatever its format.

    Raises:
        DataError: the file cannot be used, or one of its rows and `rows` does not skip.
    """
    path = existing_file(path)
    if is_npz(path):
        return [signal for part in read_npz(path, rows, plan).values() for signal in part]
    return read_ts(path, rows, plan) if is_ts(path) else read_table(path, rows, plan)


def accepted(folder: Path) -> Callable[[Path], bool]:
    """Return what tells a folder's files: `.ts` where it has any, since archives repeat them."""
    entries = list(folder.iterdir()) if folder.is_dir() else []
    if any(map(is_ts, entries)):
        return is_ts
    return lambda path: is_npz(path) or _plain(path).endswith(TABLES)


def _plain(path: Path) -> str:
    return path.name.lower().removesuffix(".gz")
