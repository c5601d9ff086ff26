"""Data sets of the Hugging Face hub: `hf:NAME` or `hf:NAME:CONFIG`, through its library."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from recurra.errors import DataError, MissingExtra


@dataclass(frozen=True)
class Records:
    """The rows of one split, class numbers already replaced by class names.

    Args:
        name: what error messages call it.
        columns: names of the columns.
        rows: the split itself: an iterable of mappings.
        names: class names by column.
    """

    name: str
    columns: list[str]
    rows: Any
    names: dict[str, list[str]]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for row in self.rows:
            yield {
                column: _named(value, self.names[column]) if column in self.names else value
                for column, value in row.items()
            }


def _named(value: Any, names: list[str]) -> Any:
    if isinstance(value, list):
        return [_named(part, names) for part in value]
    return names[value] if isinstance(value, int) and 0 <= value < len(names) else None


def parts(source: str, part_of: Callable[[str], str | None]) -> dict[str, Records]:
    """Return the splits of a data set by part; a test split without labels is left out.

    Raises:
        MissingExtra: the `datasets` library is not installed.
        DataError: the data set cannot be loaded, or has no training split.
    """
    try:
        library = import_module("datasets")
    except ImportError as error:
        raise MissingExtra(f"reading {source}", "datasets", "hf") from error
    name, _, config = source.removeprefix("hf:").partition(":")
    try:
        loaded = library.load_dataset(name, config or None)
    except Exception as error:  # the library raises many kinds, none of them its own base class
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(source, f"cannot be loaded: {reason}") from error
    found: dict[str, Records] = {}
    for split, rows in loaded.items():
        part = part_of(split)
        records = _records(f"{source}/{split}", rows)
        if part and part not in found and _labelled(records):
            found[part] = records
    if "train" not in found:
        raise DataError(source, f"has no training split; its splits are {', '.join(loaded)}")
    return found


def _records(name: str, rows: Any) -> Records:
    names = {}
    for column, feature in rows.features.items():
        inner = getattr(feature, "feature", feature)
        if found := getattr(inner, "names", None):
            names[column] = list(found)
    return Records(name, list(rows.features), rows, names)


def _labelled(records: Records) -> bool:
    """Whether any of the first rows has a class (hidden test labels are all −1)."""
    for i, row in enumerate(records):
        if not records.names or any(row[column] is not None for column in records.names):
            return True
        if i == 100:
            return False
    return False
