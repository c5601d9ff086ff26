"""The pictures of a folder or a zip, found by the paths that a captions file has for them."""

from collections.abc import Callable, Iterable
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any
from unicodedata import normalize
from zipfile import BadZipFile, ZipFile

from numpy.typing import NDArray

from recurra.data.readers.pictures import PICTURES, load
from recurra.data.readers.text import Rows, existing_file
from recurra.errors import DataError

LARGEST_FILE = 64 << 20

Parts = tuple[str, ...]


def parts_of(path: str) -> Parts:
    """Return the names in a path: either slash, no leading one, no dots, letters composed."""
    names = normalize("NFC", path.strip()).replace("\\", "/").split("/")
    return tuple(name for name in names if name not in ("", ".", ".."))


def _bare(parts: Parts) -> Parts:
    name = Path(parts[-1])
    return (*parts[:-1], name.stem if name.suffix.lower() in PICTURES else parts[-1])


def _folded(parts: Parts) -> Parts:
    return tuple(name.casefold() for name in parts)


# as it is written, then without regard to case, then without the ending
VIEWS: list[Callable[[Parts], Parts]] = [
    lambda parts: parts,
    _folded,
    _bare,
    lambda parts: _folded(_bare(parts)),
]


def ends(longer: Parts, shorter: Parts) -> bool:
    """Return whether a path ends in all names of another."""
    return longer[-len(shorter) :] == shorter


class Album:
    """Pictures of a folder or a zip by their paths in it, opened one at a time.

    Hidden files and folders are none of them.

    Raises:
        DataError: it holds no pictures, or is neither folder nor zip.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.archive: ZipFile | None = None
        if path.is_dir():
            found = (p for p in sorted(path.rglob("*")) if p.is_file())
            names = {str(p.relative_to(path)): str(p) for p in found}
        else:
            try:
                self.archive = ZipFile(existing_file(path))
            except BadZipFile as error:
                raise DataError(path, "is neither a folder nor a zip of pictures") from error
            names = {name: name for name in self.archive.namelist()}
        self.entries = {
            parts: entry
            for name, entry in names.items()
            if Path(name).suffix.lower() in PICTURES and not hidden(parts := parts_of(name))
        }
        if not self.entries:
            raise DataError(path, "holds no pictures")
        self.views: list[dict[str, list[Parts]]] = []
        for view in VIEWS:
            by_name: dict[str, list[Parts]] = {}
            for parts in self.entries:
                by_name.setdefault(view(parts)[-1], []).append(parts)
            self.views.append(by_name)

    def find(self, name: str) -> list[Parts]:
        """Return the pictures that a path may mean: those with the most of its names.

        The whole path counts: a picture in a folder of another name is not found.
        """
        wanted = parts_of(name)
        if not wanted:
            return []
        whole = Path(wanted[-1]).suffix.lower() in PICTURES
        views = zip(VIEWS, self.views, strict=True)
        for view, by_name in islice(views, 2 if whole else 4):
            seen = view(wanted)
            near = [(view(parts), parts) for parts in by_name.get(seen[-1], ())]
            if exact := [parts for key, parts in near if key == seen]:
                return exact
            if longer := [parts for key, parts in near if ends(key, seen)]:
                return longer
            shorter = [(len(key), parts) for key, parts in near if ends(seen, key)]
            if shorter:
                most = max(length for length, _ in shorter)
                return [parts for length, parts in shorter if length == most]
        return []

    def find_bare(self, name: str) -> list[Parts]:
        """Return the pictures with the file name of a path, whatever their folders."""
        bare = parts_of(name)[-1:]
        return self.views[0].get(bare[0], []) if bare else []

    def load(self, parts: Parts, size: int, rows: Rows) -> NDArray[Any] | None:
        """Return one picture, or None if it was bad."""
        entry = self.entries[parts]
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

    def __enter__(self) -> "Album":
        return self

    def __exit__(self, *_: object) -> None:
        if self.archive is not None:
            self.archive.close()


def hidden(parts: Iterable[str]) -> bool:
    """Return whether a path is one of those that an operating system adds unasked."""
    return any(name.startswith(".") or name == "__MACOSX" for name in parts)


def matches(
    album: Album, named: dict[str, int | None], source: Path, rows: Rows
) -> dict[str, Parts]:
    """Return the picture that each path of a file means; those of no picture are left out.

    Args:
        album: the pictures.
        named: each path as the file has it, and the row where it first stands.
        source: the file.
        rows: told of paths that mean several pictures.

    Raises:
        DataError: a path means several pictures, or two paths the same, and `rows` does not skip.
    """
    bare: dict[str, set[Parts]] = {}
    for name in named:
        if parts := parts_of(name):
            bare.setdefault(parts[-1], set()).add(parts)
    found: dict[str, Parts] = {}
    owner: dict[Parts, str] = {}
    for name, row in named.items():
        hits = album.find(name)
        if not hits and len(bare.get(parts_of(name)[-1] if parts_of(name) else "", ())) == 1:
            hits = album.find_bare(name)
        if len(hits) > 1:
            listed = " and ".join("/".join(parts) for parts in hits[:2])
            rows.bad(source, f"{name!r} means {len(hits)} pictures, {listed}; write its path", row)
            continue
        if not hits:
            continue
        other = owner.setdefault(hits[0], name)
        if not _same(other, name):
            where = "/".join(hits[0])
            rows.bad(source, f"{other!r} and {name!r} would both be the picture {where}", row)
            continue
        if not _same(name, where := "/".join(hits[0])):
            told = "letters' case, ending or folder are not the same, here as elsewhere"
            rows.note(f"{source}: {name!r} is taken for {where}", told)
        found[name] = hits[0]
    return found


def _same(one: str, other: str) -> bool:
    """Return whether one of two paths ends in the other."""
    a, b = parts_of(one), parts_of(other)
    return ends(a, b) or ends(b, a)
