"""Pictures with captions: a folder or zip of pictures, and a file of captions beside it."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import NDArray

from recurra.data.readers.album import Album, Parts, hidden, matches
from recurra.data.readers.caption_files import Caption, Columns, read_captions
from recurra.data.readers.pictures import is_picture, pillow
from recurra.data.readers.source import Kind, assemble
from recurra.data.readers.text import Rows, existing, existing_file, lines, say
from recurra.data.splits import Splits
from recurra.errors import DataError
from recurra.training.options import CaptionTable

LIST = re.compile(r"(train|dev|valid|val|test)_?images?\.txt$", re.IGNORECASE)
PARTS = {"train": "train", "test": "test", "dev": "valid", "valid": "valid", "val": "valid"}


class CaptionedImage(NamedTuple):
    """A picture [height width 3] with its captions."""

    image: NDArray[Any]
    captions: list[str]
    where: str


def read(recipe: CaptionTable, size: int = 64) -> Splits[CaptionedImage]:
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

    columns = Columns(recipe.image_column, recipe.text_column)

    @cache
    def captioned(data: str) -> tuple[Album, dict[Parts, CaptionedImage]]:
        pictures_at, captions_at, _ = _located(data)
        with Album(pictures_at) as album:
            return album, _captioned(album, captions_at, columns, size, rows)

    album, found = captioned(str(recipe.data))
    lists = _located(str(recipe.data))[2]
    parts = {part: _listed(album, found, path, rows) for part, path in lists.items()}
    parts = parts or {"train": list(found.values())}
    for part, named in [("valid", recipe.valid), ("test", recipe.test)]:
        if named:
            parts[part] = list(captioned(named)[1].values())
    kind = Kind[CaptionedImage](content=lambda example: example.image.tobytes())
    return assemble(parts, recipe, kind, rows)


def _captioned(
    album: Album, captions_at: Path, columns: Columns, size: int, rows: Rows
) -> dict[Parts, CaptionedImage]:
    captions = read_captions(captions_at, rows, columns)
    named: dict[str, int | None] = {}
    for caption in captions:
        named.setdefault(caption.picture, caption.row)
    skipped = rows.skipped
    place = matches(album, named, captions_at, rows)
    told = rows.skipped - skipped  # paths that were told of as bad rows
    by_picture: dict[Parts, list[Caption]] = {}
    for caption in captions:
        if caption.picture in place:
            by_picture.setdefault(place[caption.picture], []).append(caption)
    absent = len(captions) - sum(map(len, by_picture.values())) - told
    if not by_picture:
        first = captions[0]
        reason = f"names pictures as {first.picture!r}, and none of them is in {album.path}"
        raise DataError(captions_at, reason, first.row)
    found: dict[Parts, CaptionedImage] = {}
    for picture, ones in by_picture.items():
        if (image := album.load(picture, size, rows)) is not None:
            where = f"{captions_at}:{ones[0].row}"
            found[picture] = CaptionedImage(image, [c.text for c in ones], where)
    rows.skipped += absent
    if absent:
        say(f"{captions_at}: {absent} captions have no picture, and are skipped")
    return found


def _listed(
    album: Album, found: Mapping[Parts, CaptionedImage], path: Path, rows: Rows
) -> list[CaptionedImage]:
    """Return the captioned pictures that a list names, in its order."""
    named: dict[str, int | None] = {}
    for row, name in lines(path, rows):
        if name.strip():
            named.setdefault(name.strip(), row)
    place = matches(album, named, path, rows)
    listed = [found[place[name]] for name in named if place.get(name) in found]
    if len(listed) < len(named):
        say(f"{path}: {len(named) - len(listed)} of {len(named)} have no picture or no caption")
    return listed


def _located(data: str) -> tuple[Path, Path, dict[str, Path]]:
    if "," in data and not Path(data).exists():
        left, _, right = data.partition(",")
        return existing(left.strip()), existing_file(right.strip()), {}
    folder = existing(data)
    if not folder.is_dir():
        raise DataError(folder, "is one file; give a folder, or pictures,captions")
    entries = [path for path in sorted(folder.iterdir()) if not hidden([path.name])]
    lists = {PARTS[found[1].lower()]: path for path in entries if (found := LIST.search(path.name))}
    captions = [path for path in entries if path not in lists.values() and _is_captions(path)]
    if len(captions) != 1:
        names = ", ".join(path.name for path in captions) or "none"
        raise DataError(folder, f"needs one captions file, .txt, .csv or .json (found: {names})")
    zips = [path for path in entries if path.suffix.lower() == ".zip"]
    folders = [path for path in entries if path.is_dir() and any(map(is_picture, path.rglob("*")))]
    if len(zips) > 1 or (zips and folders):
        names = ", ".join(path.name for path in [*folders, *zips])
        raise DataError(
            folder, f"has several places for pictures ({names}); give pictures,captions"
        )
    return (zips[0] if zips else folder), captions[0], lists if "train" in lists else {}


def _is_captions(path: Path) -> bool:
    ending = path.name.lower().removesuffix(".gz").endswith((".txt", ".csv", ".tsv", ".json"))
    return path.is_file() and ending and not path.name.lower().startswith(("readme", "license"))
