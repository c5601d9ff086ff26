"""Parquet files as tables, some rows at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from recurra.data.readers.columns import survey
from recurra.data.readers.table import Cells, Table
from recurra.data.readers.text import Rows
from recurra.errors import DataError, MissingExtra

MARK = b"PAR1"  # at a file's beginning and end
TOGETHER = 10_000  # rows in memory at once


def is_parquet(path: Path) -> bool:
    """Return whether a file is Parquet, by its first bytes."""
    with path.open("rb") as file:
        return file.read(4) == MARK


def open_parquet(path: Path) -> Table:
    """Return the table of a Parquet file; its columns are not nested.

    Raises:
        DataError: the file is damaged, or has no rows or no columns.
        MissingExtra: pyarrow is not installed.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtra("Parquet", "pyarrow", "series") from error

    def rows() -> Iterator[tuple[int, Cells]]:
        try:
            with parquet.ParquetFile(path) as file:
                row = 0
                for batch in file.iter_batches(TOGETHER):
                    lists: list[list[Any]] = [column.to_pylist() for column in batch.columns]
                    for cells in zip(*lists, strict=True):
                        row += 1
                        yield row, cells
        except (OSError, ValueError, pyarrow.ArrowException) as error:
            reason = str(error).splitlines()[0]
            raise DataError(path, f"cannot be read as Parquet: {reason}") from error

    try:
        names = list(parquet.read_schema(path).names)
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        reason = str(error).splitlines()[0]
        raise DataError(path, f"cannot be read as Parquet: {reason}") from error
    columns = survey((cells for _, cells in rows()), len(names))
    if not names or not columns[0].rows:
        raise DataError(path, "holds no rows")
    for column, name in zip(columns, names, strict=True):
        column.name = name

    def read(_: Rows) -> Iterator[tuple[int, Cells]]:
        return rows()

    return Table(path, "Parquet", columns, True, read)
