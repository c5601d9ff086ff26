"""Tables that list files: a column of paths, beside what each file says or is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recurra.data.readers.columns import Column, find, is_header, plain
from recurra.data.readers.objects import JSON_ENDINGS
from recurra.data.readers.sound import SOUNDS
from recurra.data.readers.table import Table, open_table
from recurra.data.readers.text import Rows
from recurra.errors import DataError

ENDINGS = (".csv", ".tsv", ".tab", ".txt", *JSON_ENDINGS)


def is_manifest(path: Path) -> bool:
    """Return whether a file may be one, by its ending."""
    plainly = path.name.lower().removesuffix(".gz")
    return plainly.endswith(ENDINGS) and not plainly.startswith((".", "readme", "license"))


def is_sound_name(cell: Any) -> bool:
    """Return whether a cell names a file of sound."""
    return isinstance(cell, str) and Path(cell.strip()).suffix.lower() in SOUNDS


def open_manifest(
    path: Path, rows: Rows, given: str | None, others: Sequence[str | None] = ()
) -> tuple[Table, int]:
    """Return a table and the position of its paths.

    Its first row names the columns where it holds no file's name.

    Args:
        path: the manifest.
        rows: what becomes of bad rows when it is read.
        given: the column of the paths, by name or number; None: where most cells are sounds' names.
        others: further columns that were asked for.
    Raises:
        DataError: the file is no table, or no column, or several, have names of sounds.
    """
    table = open_table(path, rows, (given, *others), header=_names_columns)
    if given is not None:
        return table, find(path, table.columns, given, header=table.header)
    found = [i for i, column in enumerate(table.columns) if _holds_sounds(column)]
    if len(found) == 1:
        return table, found[0]
    known = ", ".join(table.called(i) for i in (found or range(len(table.columns))))
    have = "several columns have" if found else "no column has"
    raise DataError(
        path, f"{have} names of sounds ({known}); --path-column names that of the paths"
    )


def beside(manifest: Path | str, cell: Any) -> Path | None:
    """Return the file that a cell of a manifest means, relative to the manifest; None: none."""
    name = plain(cell).strip()
    if not name or "\0" in name:
        return None
    return Path(manifest).parent / Path(name).expanduser()


def _names_columns(first: Sequence[str], below: Sequence[Column]) -> bool:
    if not any(map(_holds_sounds, below)):  # names without endings
        return is_header(first, below)
    return not any(map(is_sound_name, first))


def _holds_sounds(column: Column) -> bool:
    named = sum(count for value, count in column.values.items() if is_sound_name(value))
    return 2 * named > sum(column.values.values()) > 0
