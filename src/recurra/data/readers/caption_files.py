"""Files of captions: Flickr tokens, COCO JSON, or a table of pictures and captions."""

import json
import re
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

from recurra.data.readers.delimited import cells_of
from recurra.data.readers.pictures import PICTURES
from recurra.data.readers.text import Rows, existing_file, lines, open_bytes, say
from recurra.errors import DataError

MOST_BYTES = 1 << 30
TOKEN = re.compile(r"(.+)#\d+\t(.*)")
WORDS = {
    "image_column": re.compile(r"(image|picture|photo|img|file)([ _-]?(name|file|path|id))?|path"),
    "text_column": re.compile(r"(caption|text|comment|sentence|description)s?"),
}


class Caption(NamedTuple):
    """One line of a captions file."""

    picture: str
    text: str
    row: int


class Columns(NamedTuple):
    """Columns of a table by name or number, where they are not to be detected."""

    image_column: str | None = None
    text_column: str | None = None


DETECTED = Columns()


def read_captions(path: Path, rows: Rows, columns: Columns = DETECTED) -> list[Caption]:
    """Return the captions of one file: Flickr tokens, COCO JSON, or a table image,caption.

    Raises:
        DataError: the file cannot be used, or one of its rows and `rows` does not skip.
    """
    table = False
    if path.name.lower().removesuffix(".gz").endswith(".json"):
        found = list(_coco(path, rows))
    else:
        numbered = lines(path, rows)
        head = list(islice(numbered, 2000))
        everything = chain(head, numbered)
        if any(TOKEN.fullmatch(line) for _, line in head[:50]):
            found = list(_flickr(path, everything, rows))
        else:
            table = True
            found = list(_table(path, list(cells_of(path, head, everything, rows)), columns, rows))
    if any(columns) and not table:
        say(f"{path}: is no table; image_column and text_column are of no use to it")
    kept = []
    for caption in found:
        if not caption.picture.strip() or not caption.text.strip():
            rows.bad(path, "has an empty caption, or no picture", caption.row)
        elif any("\ud800" <= letter <= "\udfff" for letter in caption.text):
            rows.bad(path, "has half a character (a lone surrogate)", caption.row)
        else:
            kept.append(caption._replace(text=caption.text.strip()))
    if not kept:
        raise DataError(path, "holds no captions")
    return kept


def _flickr(path: Path, numbered: Iterator[tuple[int, str]], rows: Rows) -> Iterator[Caption]:
    for row, line in numbered:
        if found := TOKEN.fullmatch(line):
            yield Caption(found[1], found[2], row)
        elif line.strip():
            rows.bad(path, "is not name.jpg#number, a tab, and a caption", row)


def _table(
    path: Path, records: Sequence[tuple[int, list[str]]], columns: Columns, rows: Rows
) -> Iterator[Caption]:
    if not records:
        raise DataError(path, "holds no captions")
    first = [cell.strip() for cell in records[0][1]]
    image = _picture_column(path, first, [cells for _, cells in records], columns.image_column)
    second = len(records) > 1 and _is_name(_cell(records[1][1], image))
    header = not _is_name(first[image]) and (second or _called(first, columns))
    text = _caption_column(path, first if header else [], len(first), image, columns.text_column)
    if header and not _called(first, columns):
        say(f"{path}: its first row is taken for the columns' names: {', '.join(first)}")
    if len(first) > 2 or image > text or any(columns):
        names = first if header else [str(n + 1) for n in range(len(first))]
        say(
            f"{path}: pictures are in column {names[image]}, captions in column {names[text]}; "
            "image_column and text_column name others"
        )
    for row, cells in records[header:]:
        if len(cells) == len(first):
            yield Caption(cells[image].strip(), cells[text], row)
            continue
        expected = f"{len(first)} are expected" + (": image, caption" if len(first) == 2 else "")
        rows.bad(path, f"has {len(cells)} columns where {expected}", row)


def _cell(cells: Sequence[str], column: int) -> str:
    return cells[column] if column < len(cells) else ""


def _is_name(cell: str) -> bool:
    return Path(cell.strip()).suffix.lower() in PICTURES


def _called(first: Sequence[str], columns: Columns) -> bool:
    """Return whether a row has names of columns in it: given ones, or usual ones of both kinds."""
    lower = [cell.lower() for cell in first]
    given = [name.strip().lower() for name in columns if name is not None]
    if any(name in lower for name in given if not name.isdecimal()):
        return True
    return all(any(words.fullmatch(cell) for cell in lower) for words in WORDS.values())


def _picture_column(
    path: Path, first: Sequence[str], records: Sequence[Sequence[str]], given: str | None
) -> int:
    if given is not None:
        return _given(path, first, given, "image_column")
    body = records[1:] or records
    share = [sum(_is_name(_cell(cells, n)) for cells in body) for n in range(len(first))]
    found = [n for n, count in enumerate(share) if 2 * count > len(body)]
    if len(found) == 1:
        return found[0]
    have = "several columns have" if found else "no column has"
    raise DataError(path, f"{have} files of pictures ({', '.join(first)}); image_column names one")


def _caption_column(
    path: Path, header: Sequence[str], width: int, image: int, given: str | None
) -> int:
    if given is not None:
        return _given(path, header or [""] * width, given, "text_column")
    others = [n for n in range(width) if n != image]
    if len(others) > 1:
        words = WORDS["text_column"]
        others = [n for n in others if header and words.fullmatch(header[n].lower())]
    if len(others) == 1:
        return others[0]
    listed = ", ".join(header) or "without names"
    raise DataError(path, f"has {width} columns ({listed}); text_column names that of the captions")


def _given(path: Path, first: Sequence[str], given: str, field: str) -> int:
    """Return the place of a column by its name or number."""
    lower = [cell.lower() for cell in first]
    wanted = given.strip().lower()
    if wanted.isdecimal() and 1 <= int(wanted) <= len(first):
        return int(wanted) - 1
    if lower.count(wanted) == 1:
        return lower.index(wanted)
    have = f"has columns {', '.join(first)}, or 1 to {len(first)}"
    raise DataError(path, f"{have}; none of them is {field} {given!r}")


def _coco(path: Path, rows: Rows) -> Iterator[Caption]:
    path = existing_file(path)
    try:
        with open_bytes(path) as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise DataError(path, "is over 1 GiB; give a smaller file of captions")
        whole = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError, OSError, EOFError) as error:
        raise DataError(path, f"is not JSON: {error}") from error
    try:
        images = [(image["id"], str(image["file_name"])) for image in whole["images"]]
        names: dict[Any, str] = {}
        twice = [id for id, name in images if names.setdefault(id, name) != name]
        annotations = [*whole["annotations"]]
    except (KeyError, TypeError) as error:
        raise DataError(path, 'is not COCO captions: "images" and "annotations"') from error
    for number, annotation in enumerate(annotations, start=1):
        try:
            picture, text = annotation["image_id"], annotation["caption"]
            name = names[picture]
        except (KeyError, TypeError):
            rows.bad(path, "annotation lacks a known image_id or a caption", number)
            continue
        if not isinstance(text, str):
            rows.bad(path, f"annotation has {text!r} for a caption", number)
        elif picture in twice:
            rows.bad(path, f"annotation's image_id {picture!r} has several file names", number)
        else:
            yield Caption(name, text, number)
