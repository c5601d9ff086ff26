"""Pictures with captions: a folder or zip of pictures, and a file of captions beside it."""

import json
import re
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile, ZipFile

from numpy.typing import NDArray

from recurra.data.readers.delimited import cells_of
from recurra.data.readers.pictures import PICTURES, load, pillow
from recurra.data.readers.source import Kind, assemble
from recurra.data.readers.text import Rows, existing, existing_file, lines, say
from recurra.data.splits import Splits
from recurra.errors import DataError
from recurra.training.recipe import Recipe

LARGEST_FILE = 64 << 20
TOKEN = re.compile(r"(.+)#\d+\t(.*)")
LIST = re.compile(r"(train|dev|valid|val|test)_?images?\.txt$", re.IGNORECASE)
PARTS = {"train": "train", "test": "test", "dev": "valid", "valid": "valid", "val": "valid"}


class CaptionedImage(NamedTuple):
    """A picture [height width 3] with its captions."""

    image: NDArray[Any]
    captions: list[str]
    where: str


class Caption(NamedTuple):
    """One line of a captions file."""

    picture: str
    text: str
    row: int


def read(recipe: Recipe, size: int = 64) -> Splits[CaptionedImage]:
    """Return the captioned pictures of `recipe.data`, in three parts.

    `recipe.data` is a folder that holds the pictures (themselves, in a folder, or in a zip), a
    captions file, and maybe lists of the parts; or `pictures,captions`.

    Args:
        recipe: where the data are.
        size: height and width that every picture is resized to.

    Raises:
        DataError: a file or row cannot be used.
        MissingExtra: Pillow is not installed.
    """
    pillow()
    rows = Rows.of(recipe)

    @cache
    def captioned(data: str) -> dict[str, CaptionedImage]:
        pictures_at, captions_at, _ = _located(data)
        return _captioned(pictures_at, captions_at, size, rows)

    found = captioned(str(recipe.data))
    lists = _located(str(recipe.data))[2]
    parts = {
        part: [found[name] for _, name in lines(path, rows) if name.strip() in found]
        for part, path in lists.items()
    } or {"train": list(found.values())}
    for part, named in [("valid", recipe.valid), ("test", recipe.test)]:
        if named:
            parts[part] = list(captioned(named).values())
    kind = Kind[CaptionedImage](content=lambda example: example.image.tobytes())
    return assemble(parts, recipe, kind, rows)


def _captioned(
    pictures_at: Path, captions_at: Path, size: int, rows: Rows
) -> dict[str, CaptionedImage]:
    by_picture: dict[str, list[Caption]] = {}
    for caption in read_captions(captions_at, rows):
        by_picture.setdefault(caption.picture, []).append(caption)
    found: dict[str, CaptionedImage] = {}
    absent = 0
    with Pictures(pictures_at) as pictures:
        for name, captions in by_picture.items():
            if name not in pictures:
                absent += len(captions)
                continue
            if (image := pictures.load(name, size, rows)) is not None:
                where = f"{captions_at}:{captions[0].row}"
                found[name] = CaptionedImage(image, [c.text for c in captions], where)
    rows.skipped += absent
    if absent:
        say(f"{captions_at}: {absent} captions have no picture, and are skipped")
    return found


def _located(data: str) -> tuple[Path, Path, dict[str, Path]]:
    if "," in data and not Path(data).exists():
        left, _, right = data.partition(",")
        return existing(left.strip()), existing_file(right.strip()), {}
    folder = existing(data)
    if not folder.is_dir():
        raise DataError(folder, "is one file; give a folder, or pictures,captions")
    entries = sorted(folder.iterdir())
    lists = {PARTS[found[1].lower()]: path for path in entries if (found := LIST.search(path.name))}
    captions = [path for path in entries if path not in lists.values() and _is_captions(path)]
    if len(captions) != 1:
        names = ", ".join(path.name for path in captions) or "none"
        raise DataError(folder, f"needs one captions file, .txt, .csv or .json (found: {names})")
    pictures = [path for path in entries if path.is_dir() or path.suffix.lower() == ".zip"]
    if len(pictures) > 1:
        names = ", ".join(path.name for path in pictures)
        raise DataError(
            folder, f"has several places for pictures ({names}); give pictures,captions"
        )
    return (pictures[0] if pictures else folder), captions[0], lists if "train" in lists else {}


def _is_captions(path: Path) -> bool:
    ending = path.name.lower().removesuffix(".gz").endswith((".txt", ".csv", ".tsv", ".json"))
    return path.is_file() and ending and not path.name.lower().startswith(("readme", "license"))


def read_captions(path: Path, rows: Rows) -> list[Caption]:
    """Return the captions of one file: Flickr tokens, COCO JSON, or a table image,caption.

    Raises:
        DataError: the file cannot be used, or one of its rows and `rows` does not skip.
    """
    if path.name.removesuffix(".gz").endswith(".json"):
        found = list(_coco(path, rows))
    else:
        numbered = lines(path, rows)
        head = list(islice(numbered, 50))
        everything = chain(head, numbered)
        if any(TOKEN.fullmatch(line) for _, line in head):
            found = list(_flickr(path, everything, rows))
        else:
            found = list(_table(path, cells_of(path, head, everything, rows), rows))
    kept = []
    for caption in found:
        if caption.picture and caption.text.strip():
            kept.append(caption._replace(text=caption.text.strip()))
        else:
            rows.bad(path, "has an empty caption, or no picture", caption.row)
    if not kept:
        raise DataError(path, "holds no captions")
    return kept


def _flickr(path: Path, numbered: Iterator[tuple[int, str]], rows: Rows) -> Iterator[Caption]:
    for row, line in numbered:
        if found := TOKEN.fullmatch(line):
            yield Caption(found[1], found[2], row)
        elif line.strip():
            rows.bad(path, "is not name.jpg#number, a tab, and a caption", row)


def _table(path: Path, records: Iterator[tuple[int, list[str]]], rows: Rows) -> Iterator[Caption]:
    for number, (row, cells) in enumerate(records):
        if len(cells) != 2:
            rows.bad(path, f"has {len(cells)} columns where 2 are expected: image, caption", row)
        elif number or Path(cells[0]).suffix.lower() in PICTURES:  # else the header
            yield Caption(Path(cells[0].strip()).name, cells[1], row)


def _coco(path: Path, rows: Rows) -> Iterator[Caption]:
    path = existing_file(path)
    if path.stat().st_size > 16 * LARGEST_FILE:
        raise DataError(path, "is over 1 GiB; give a smaller file of captions")
    try:
        whole = json.loads(path.read_bytes().decode("utf-8-sig"))
        names = {image["id"]: str(image["file_name"]) for image in whole["images"]}
        annotations = whole["annotations"]
    except (ValueError, RecursionError) as error:
        raise DataError(path, f"is not JSON: {error}") from error
    except (KeyError, TypeError) as error:
        raise DataError(path, 'is not COCO captions: "images" and "annotations"') from error
    for number, annotation in enumerate(annotations, start=1):
        try:
            yield Caption(Path(names[annotation["image_id"]]).name, annotation["caption"], number)
        except (KeyError, TypeError):
            rows.bad(path, "annotation lacks a known image_id or a caption", number)


class Pictures:
    """The pictures of a folder or a zip, by file name, opened one at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.archive: ZipFile | None = None
        if path.is_dir():
            names = {p.name: str(p) for p in sorted(path.rglob("*"))}
        else:
            try:
                self.archive = ZipFile(existing_file(path))
            except BadZipFile as error:
                raise DataError(path, "is neither a folder nor a zip of pictures") from error
            names = {Path(name).name: name for name in self.archive.namelist()}
        self.names = {k: v for k, v in names.items() if Path(k).suffix.lower() in PICTURES}
        if not self.names:
            raise DataError(path, "holds no pictures")

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def load(self, name: str, size: int, rows: Rows) -> NDArray[Any] | None:
        """Return one picture, or None if it was bad."""
        entry = self.names[name]
        if self.archive is None:
            return load(Path(entry), entry, (size, size), rows)
        where = f"{self.path}/{entry}"
        try:
            if self.archive.getinfo(entry).file_size > LARGEST_FILE:
                rows.bad(where, "is over 64 MiB")
                return None
            data = BytesIO(self.archive.read(entry))
        except (BadZipFile, OSError, RuntimeError, EOFError) as error:
            rows.bad(where, f"cannot be unpacked: {error}")
            return None
        return load(data, where, (size, size), rows)

    def __enter__(self) -> "Pictures":
        return self

    def __exit__(self, *_: object) -> None:
        if self.archive is not None:
            self.archive.close()
