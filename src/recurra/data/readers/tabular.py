"""Labelled texts: CSV, TSV and JSON lines, with columns and delimiter detected."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

from recurra.data.readers.delimited import cells_of
from recurra.data.readers.hf import Records
from recurra.data.readers.source import Format, read_parts
from recurra.data.readers.text import LONGEST_ROW, Rows, lines
from recurra.data.splits import Splits
from recurra.errors import DataError
from recurra.training.recipe import Recipe

ENDINGS = (".csv", ".tsv", ".jsonl", ".ndjson", ".txt")
TEXT_NAMES = (
    *("text", "sentence", "review", "content", "comment", "phrase", "headline", "tweet"),
    *("utterance", "title", "body", "message", "document", "question", "description", "news"),
)
LABEL_NAMES = (
    *("label", "labels", "sentiment", "class", "category", "target", "rating", "stars"),
    *("intent", "topic", "polarity", "emotion", "score", "tag", "language"),
)
LOOK = 50  # rows looked at to detect


class TextLabel(NamedTuple):
    """A text with one label."""

    text: str
    label: str
    where: str


class Columns(NamedTuple):
    """Which columns hold the text and its label."""

    text: str
    label: str


Numbered = Iterator[tuple[int, dict[str, Any]]]


def read(recipe: Recipe) -> Splits[TextLabel]:
    """Return the labelled texts of `recipe.data`, in three parts.

    Raises:
        DataError: a file or row cannot be used.
    """
    return read_parts(
        recipe,
        Format(
            read=partial(read_file, recipe=recipe),
            accepts=lambda path: path.name.removesuffix(".gz").endswith(ENDINGS),
            content=lambda example: example.text,
            labels=lambda example: [example.label],
            least=2,
            records=partial(_from_records, recipe=recipe),
        ),
    )


def read_file(path: str | Path, rows: Rows, recipe: Recipe) -> list[TextLabel]:
    """Return the labelled texts of one file.

    Raises:
        DataError: the file cannot be used, or one of its rows and `rows` does not skip.
    """
    path = Path(path)
    numbered = lines(path, rows)
    head = list(islice(numbered, LOOK))
    everything = chain(head, numbered)
    first = next((line.lstrip() for _, line in head if line.strip()), "")
    if not first:
        raise DataError(path, "holds no rows")
    if first.startswith("{"):
        columns, records = _json_lines(path, everything, rows)
    else:
        columns, records = _delimited(path, head, everything, rows, recipe)
    return _examples(path, columns, records, rows, recipe)


def _from_records(records: Records, rows: Rows, recipe: Recipe) -> list[TextLabel]:
    numbered = iter(enumerate(records, start=1))
    return _examples(records.name, records.columns, numbered, rows, recipe)


def _examples(
    path: str | Path, columns: list[str], records: Numbered, rows: Rows, recipe: Recipe
) -> list[TextLabel]:
    head = list(islice(records, LOOK))
    chosen = choose_columns(path, columns, [record for _, record in head], recipe)
    found = []
    for row, record in chain(head, records):
        text, label = record.get(chosen.text), record.get(chosen.label)
        if not isinstance(text, str) or not text.strip():
            rows.bad(path, f"has no text in column {chosen.text!r}", row)
        elif isinstance(label, list | dict) or label is None or not str(label).strip():
            rows.bad(path, f"has no label in column {chosen.label!r}", row)
        elif len(text) > LONGEST_ROW:
            rows.bad(path, f"has over {LONGEST_ROW:,} characters", row)
        else:
            found.append(TextLabel(text.strip(), str(label).strip(), f"{path}:{row}"))
    return found


def choose_columns(
    path: str | Path, columns: list[str], head: list[dict[str, Any]], recipe: Recipe
) -> Columns:
    """Return which columns are text and label: as the recipe says, by name, or by content.

    By content, the label is the column with the fewest different values, and the text is the
    longest of the others.

    Raises:
        DataError: the recipe names a column that is not there, or there are fewer than two.
    """
    listed = ", ".join(columns)
    for name in (recipe.text_column, recipe.label_column):
        if name is not None and name not in columns:
            raise DataError(path, f"has no column {name!r}; its columns are {listed}")
    if len(columns) < 2:
        raise DataError(path, f"has one column ({listed}); a text and a label are needed")
    text = recipe.text_column or _by_name(columns, TEXT_NAMES, without=recipe.label_column)
    label = recipe.label_column or _by_name(columns, LABEL_NAMES, without=text)
    values = {column: [str(record.get(column, "")) for record in head] for column in columns}
    length = {column: sum(map(len, values[column])) for column in columns}
    if label is None:
        others = [column for column in columns if column != text]
        label = min(others, key=lambda c: (len(set(values[c])), length[c]))
    if text is None:
        text = max((column for column in columns if column != label), key=lambda c: length[c])
    if text == label:
        raise DataError(path, f"column {text!r} cannot be text and label; its columns are {listed}")
    return Columns(text, label)


def _by_name(columns: list[str], names: tuple[str, ...], without: str | None) -> str | None:
    lower = {column.strip().lower(): column for column in columns if column != without}
    return next((lower[name] for name in names if name in lower), None)


def _json_lines(
    path: Path, numbered: Iterable[tuple[int, str]], rows: Rows
) -> tuple[list[str], Numbered]:
    def records() -> Numbered:
        for row, line in numbered:
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except (ValueError, RecursionError) as error:
                rows.bad(path, f"is not JSON: {error}", row)
                continue
            if isinstance(record, dict):
                yield row, record
            else:
                rows.bad(path, "is not a JSON object {...}", row)

    found = records()
    first = next(found, None)
    if first is None:
        raise DataError(path, "holds no rows")
    return [str(key) for key in first[1]], chain([first], found)


def _delimited(
    path: Path,
    head: list[tuple[int, str]],
    numbered: Iterable[tuple[int, str]],
    rows: Rows,
    recipe: Recipe,
) -> tuple[list[str], Numbered]:
    found = cells_of(path, head, numbered, rows)
    first = next(found, None)
    if first is None:
        raise DataError(path, "holds no rows")
    columns = [cell.strip() for cell in first[1]]
    named = {column.lower() for column in columns}
    wanted = recipe.text_column or recipe.label_column
    if not wanted and not named & {*TEXT_NAMES, *LABEL_NAMES}:  # a header has none of them: data
        columns = [str(i) for i in range(1, len(columns) + 1)]
        found = chain([first], found)
    if len(set(columns)) < len(columns):
        double = Counter(columns).most_common(1)[0][0]
        raise DataError(path, f"has two columns named {double!r}")

    def records() -> Numbered:
        for row, cells in found:
            if len(cells) == len(columns):
                yield row, dict(zip(columns, cells, strict=True))
            else:
                rows.bad(path, f"has {len(cells)} columns where {len(columns)} are expected", row)

    return columns, records()
