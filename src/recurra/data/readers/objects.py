"""JSON: an object per line, an array of objects, or what pandas writes."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from recurra.data.readers.text import LONGEST_ROW, Rows, existing_file, lines, whole_text
from recurra.errors import DataError

JSON_ENDINGS = (".json", ".jsonl", ".ndjson")
Numbered = tuple[int, dict[str, Any]]


def form_of(path: Path, rows: Rows) -> str | None:
    """Return "JSON lines", "JSON", or None for what is no JSON, told by the file's beginning."""
    named = path.name.lower().removesuffix(".gz").endswith(JSON_ENDINGS)
    first = next((line.strip() for _, line in lines(path, rows.unheard()) if line.strip()), "")
    if not named and not first.startswith(("{", "[")):
        return None
    try:
        record = json.loads(first)
    except (ValueError, RecursionError):
        record = None
    if isinstance(record, dict) and not _is_whole(record):
        return "JSON lines"
    found = _parsed(path, rows)
    if found is not None and (named or _is_whole(found)):
        return "JSON"
    return "JSON lines" if named or isinstance(record, dict) else None


def _is_whole(value: Any) -> bool:
    """Whether a JSON value holds all rows of a file."""
    if isinstance(value, list):
        return bool(value) and any(isinstance(item, dict) for item in value)
    return isinstance(value, dict) and (
        any(isinstance(v, list) and v and isinstance(v[0], dict) for v in value.values())
        or (len(value) > 1 and all(isinstance(v, dict | list) for v in value.values()))
    )


def _parsed(path: Path, rows: Rows) -> Any:
    try:
        return json.loads(whole_text(path, rows))
    except (ValueError, RecursionError):
        return None


def json_lines(path: Path, rows: Rows, longest: int = LONGEST_ROW) -> Iterator[Numbered]:
    """Yield each line's object with the line's number; blank lines are passed over.

    Raises:
        DataError: a line is no object, and `rows` does not skip.
    """
    for row, line in lines(path, rows, longest):
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


def json_whole(path: Path, rows: Rows) -> Iterator[Numbered]:
    """Yield the objects of one JSON value, numbered from 1.

    They are an array; the only array in an object; or columns, rows or a "split" table of pandas.

    Raises:
        DataError: it is none of them; or an item is no object, and `rows` does not skip.
    """
    try:
        value = json.loads(whole_text(existing_file(path), rows))
    except (ValueError, RecursionError) as error:
        raise DataError(path, f"is not JSON: {error}") from error
    for number, item in enumerate(_items(path, value), start=1):
        if isinstance(item, dict):
            yield number, item
        else:
            rows.bad(path, "is not a JSON object {...}", number)


def _items(path: Path, value: Any) -> Iterable[Any]:
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        arrays = [v for v in value.values() if isinstance(v, list) and v and isinstance(v[0], dict)]
        if len(arrays) == 1:
            return list(arrays[0])
        if isinstance(value.get("columns"), list) and isinstance(value.get("data"), list):
            return [_zipped(value["columns"], row) for row in value["data"]]
        inner = list(value.values())
        if inner and all(isinstance(v, list) for v in inner) and len({*map(len, inner)}) == 1:
            return [dict(zip(value, row, strict=True)) for row in zip(*inner, strict=True)]
        if inner and all(isinstance(v, dict) and v.keys() == inner[0].keys() for v in inner):
            if all(key.isdigit() for key in inner[0]):
                return [{name: value[name][key] for name in value} for key in inner[0]]
            return inner
    raise DataError(path, "is one JSON value that holds no rows; write one object per line")


def _zipped(columns: list[Any], row: Any) -> Any:
    fits = isinstance(row, list) and len(row) == len(columns)
    return dict(zip(map(str, columns), row, strict=True)) if fits else row
