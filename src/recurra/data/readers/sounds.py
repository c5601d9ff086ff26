"""Labelled sounds: a folder per class, or a manifest of paths and labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from recurra.data.readers import folders
from recurra.data.readers.columns import as_label, choose_label, find, plain
from recurra.data.readers.manifest import beside, is_manifest, open_manifest
from recurra.data.readers.sound import SOUNDS, Samples, Wanted, load
from recurra.data.readers.source import Format, assemble, part_of, read_parts
from recurra.data.readers.table import Table
from recurra.data.readers.text import Rows, existing
from recurra.data.splits import Splits
from recurra.errors import DataError
from recurra.training.options import SoundTable

KIND = folders.Files(SOUNDS, "sounds")
MOST_SAMPLES = 1 << 30  # of a part: 4 GiB of memory, 18 hours at 16 kHz
MOST_HASHED = 64 << 20


@dataclass
class Columns:
    """Columns by name or number; None: detected in a run's first manifest, and kept for others."""

    path: str | None
    label: str | None


class LabelledSound(NamedTuple):
    """A sound with one label; `content` tells files with the same bytes, however they are read."""

    samples: Samples
    label: str
    content: bytes
    where: str


def digest(path: Path) -> bytes:
    """Return a hash of a file: of its size and its first 64 MiB.

    It is of the file, not of the samples: what is held out must not depend on how they are read.
    """
    with path.open("rb") as file:
        size = path.stat().st_size.to_bytes(8, "little")
        return blake2b(size + file.read(MOST_HASHED), digest_size=16).digest()


def read(recipe: SoundTable, wanted: Wanted) -> Splits[LabelledSound]:
    """Return the labelled sounds of `recipe.data`, in three parts.

    Raises:
        DataError: a file or row cannot be used.
        MissingExtra: soundfile or soxr is not installed.
    """
    columns = Columns(recipe.path_column, recipe.label_column)
    form = Format(
        read=partial(_read_path, columns=columns, wanted=wanted),
        accepts=is_manifest,
        content=lambda example: example.content,
        labels=lambda example: [example.label],
        least=2,
    )
    data = Path(str(recipe.data)).expanduser()
    if not data.is_dir() or _is_listed(data):
        return read_parts(recipe, form)
    rows = Rows.of(recipe)
    found = folders.parts(data, recipe, KIND)
    parts = {part: loaded(ones, wanted, rows) for part, ones in found.items()}
    for part, named in [("valid", recipe.valid), ("test", recipe.test)]:
        if named:
            place = existing(named)
            same = place.resolve() == data.resolve()
            parts[part] = parts["train"] if same else form.read(place, rows)
    return assemble(parts, recipe, form, rows)


def loaded(found: Iterable[tuple[Path, str]], wanted: Wanted, rows: Rows) -> list[LabelledSound]:
    """Return the sounds of files with their labels.

    Raises:
        DataError: a file cannot be used and `rows` does not skip, or they are too many for memory.
    """
    examples: list[LabelledSound] = []
    total = 0
    for path, label in found:
        if (samples := load(path, wanted, rows)) is not None:
            examples.append(LabelledSound(samples, label, digest(path), str(path)))
            total = bounded(total + len(samples), wanted, path)
    return examples


def bounded(total: int, wanted: Wanted, path: Path | str) -> int:
    """Return the samples of a part so far.

    Raises:
        DataError: they are too many for memory.
    """
    if total > MOST_SAMPLES:
        hours = MOST_SAMPLES / wanted.rate / 3600
        raise DataError(
            path,
            f"is beyond the {hours:.1f} hours that a part may last at {wanted.rate:,} Hz; give "
            "fewer files, or a lower --sample-rate or --max-length",
        )
    return total


def _is_listed(folder: Path) -> bool:
    """Return whether a folder's manifests say what is in it, and not its folders' names."""
    tables = [entry for entry in folder.iterdir() if entry.is_file() and is_manifest(entry)]
    if not tables or any(part_of(table.name) == "train" for table in tables):
        return bool(tables)
    return sum(bool(branch.files) for branch in folders.branches(folder, KIND).values()) < 2


def _read_path(path: Path, rows: Rows, columns: Columns, wanted: Wanted) -> list[LabelledSound]:
    """Return the sounds of one folder of class folders, or one manifest."""
    if path.is_dir():
        return loaded(folders.labelled(path, folders.branches(path, KIND), KIND), wanted, rows)
    table, at = open_manifest(path, rows, columns.path, [columns.label])
    label = _label_column(table, at, columns)
    columns.path, columns.label = table.columns[at].name, table.columns[label].name
    if not table.header:
        columns.path, columns.label = str(at + 1), str(label + 1)
    rows.note(
        path,
        f"read as {table.form}, sounds from {table.called(at)}, labels from {table.called(label)} "
        "(--path-column, --label-column)",
    )
    examples: list[LabelledSound] = []
    total = 0
    for row, cells in table.read(rows):
        where = f"{path}:{row}"
        known = as_label(plain(cells[label]))
        sound = beside(path, cells[at])
        if sound is None or not known:
            missing = f"label in {table.called(label)}" if sound else f"path in {table.called(at)}"
            rows.bad(path, f"has no {missing}", row)
        elif not sound.is_file():
            rows.bad(path, f"{sound} is missing", row)
        elif (samples := load(sound, wanted, rows)) is not None:
            examples.append(LabelledSound(samples, known, digest(sound), where))
            total = bounded(total + len(samples), wanted, where)
    return examples


def _label_column(table: Table, path: int, columns: Columns) -> int:
    if columns.label is not None:
        label = find(table.path, table.columns, columns.label, header=table.header)
        if label != path:
            return label
        raise DataError(table.path, f"{table.called(path)} cannot be both path and label")
    found = choose_label(table.columns, without=path) if len(table.columns) > 1 else None
    if found is None:
        raise DataError(table.path, "has no column that can be the label; --label-column names one")
    return found


def names(examples: Sequence[LabelledSound]) -> list[str]:
    """Return the labels there are, sorted."""
    return sorted({example.label for example in examples})
