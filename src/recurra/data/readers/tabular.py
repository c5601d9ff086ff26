"""Labelled texts: CSV, TSV and JSON, with encoding, delimiter, header and columns detected."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from recurra.data.readers.columns import (
    as_label,
    choose_label,
    choose_text,
    find,
    plain,
    unusable,
)
from recurra.data.readers.hf import Records
from recurra.data.readers.objects import JSON_ENDINGS
from recurra.data.readers.source import Format, read_parts
from recurra.data.readers.table import Table, of_records, open_table
from recurra.data.readers.text import LONGEST_ROW, Rows, say
from recurra.data.splits import Splits
from recurra.errors import DataError
from recurra.training.options import TextTable

ENDINGS = (".csv", ".tsv", ".tab", ".txt", *JSON_ENDINGS)


class TextLabel(NamedTuple):
    """A text with one label."""

    text: str
    label: str
    where: str


@dataclass
class Choice:
    """Which columns hold the text and its label, as decided for a run's first file.

    Args:
        tell: what is told about a decision goes here.
    """

    tell: Callable[[str], None] = say
    table: Table | None = None
    text: int = 0
    label: int = 0
    told: set[str] = field(default_factory=set)

    def of(self, table: Table, recipe: TextTable) -> tuple[int, int]:
        """Return text and label of a table: as the recipe says, as before, or by content.

        Raises:
            DataError: the recipe names a column that is not there, or there are fewer than two.
        """
        text, label = self._again(table) or choose(table, recipe)
        if self.table is None:
            self.table, self.text, self.label = table, text, label
        told = (
            f"read as {table.form}, text from {table.called(text)}, label from "
            f"{table.called(label)} (--text-column, --label-column)"
        )
        if told not in self.told:
            self.told.add(told)
            self.tell(f"{table.path}: {told}")
        return text, label

    def _again(self, table: Table) -> tuple[int, int] | None:
        """Return the columns of the first file where this one has them too."""
        first = self.table
        if first is None:
            return None
        if first.header and table.header:
            names = [column.name for column in table.columns]
            wanted = [first.columns[i].name for i in (self.text, self.label)]
            if all(names.count(name) == 1 for name in wanted):
                return names.index(wanted[0]), names.index(wanted[1])
            return None
        same = len(first.columns) == len(table.columns)
        return (self.text, self.label) if same else None


def read(recipe: TextTable) -> Splits[TextLabel]:
    """Return the labelled texts of `recipe.data`, in three parts.

    Raises:
        DataError: a file or row cannot be used.
    """
    choice = Choice()
    return read_parts(
        recipe,
        Format(
            read=partial(read_file, recipe=recipe, choice=choice),
            accepts=lambda path: path.name.removesuffix(".gz").endswith(ENDINGS),
            content=lambda example: example.text,
            labels=lambda example: [example.label],
            least=2,
            records=partial(_from_records, recipe=recipe, choice=choice),
        ),
    )


def read_file(
    path: str | Path, rows: Rows, recipe: TextTable, choice: Choice | None = None
) -> list[TextLabel]:
    """Return the labelled texts of one file.

    Args:
        path: the file.
        rows: what becomes of bad rows.
        recipe: names columns, where they are not to be detected.
        choice: what was decided for another file of the same run, or will be for this one.
    Raises:
        DataError: the file cannot be used, or one of its rows and `rows` does not skip.
    """
    choice = choice or Choice()
    named = (recipe.text_column, recipe.label_column)
    table = open_table(Path(path), rows, named, choice.table)
    return _examples(table, *choice.of(table, recipe), rows)


def _from_records(
    records: Records, rows: Rows, recipe: TextTable, choice: Choice
) -> list[TextLabel]:
    table = of_records(records.name, records.columns, records)
    return _examples(table, *choice.of(table, recipe), rows)


def choose(table: Table, recipe: TextTable) -> tuple[int, int]:
    """Return text and label of a table: as the recipe says, or by what the columns hold.

    Raises:
        DataError: the recipe names a column that is not there, or there are fewer than two.
    """
    columns = table.columns
    given = [
        None if name is None else find(table.path, columns, name, header=table.header)
        for name in (recipe.text_column, recipe.label_column)
    ]
    if len(columns) < 2:
        known = columns[0].name or "1"
        raise DataError(table.path, f"has one column ({known}); a text and a label are needed")
    text = given[0] if given[0] is not None else choose_text(columns, without=given[1])
    label = given[1] if given[1] is not None else choose_label(columns, without=text)
    if label is None:
        raise DataError(
            table.path,
            f"has no column that can be the label beside the text in {table.called(text)}: each "
            "has one value or is nearly empty; --label-column names one",
        )
    if text == label:
        raise DataError(table.path, f"{table.called(text)} cannot be both text and label")
    return text, label


def _examples(table: Table, text: int, label: int, rows: Rows) -> list[TextLabel]:
    found = []
    for row, cells in table.read(rows):
        read, known = plain(cells[text]), plain(cells[label])
        if reason := _fault(read, known, table.called(text), table.called(label)):
            rows.bad(table.path, reason, row)
        else:
            found.append(TextLabel(read.strip(), as_label(known), f"{table.path}:{row}"))
    return found


def _fault(text: str, label: str, in_text: Any, in_label: Any) -> str | None:
    for cell, column in ((text, in_text), (label, in_label)):
        if wrong := unusable(cell):
            return f"holds {wrong} in {column}"
    if not text.strip():
        return f"has no text in {in_text}"
    if not as_label(label):
        word = f" ({label.strip()})" if label.strip() else ""
        return f"has no label in {in_label}{word}"
    if len(text) > LONGEST_ROW:
        return f"has over {LONGEST_ROW:,} characters"
    return None
