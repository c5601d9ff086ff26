"""A folder per class; and which folders are parts with folders of classes in them."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from unicodedata import normalize

from recurra.data.readers.album import hidden
from recurra.data.readers.pictures import PICTURES
from recurra.data.readers.source import part_of
from recurra.data.readers.text import say
from recurra.errors import DataError
from recurra.training.recipe import Recipe

JUNK = ("thumbs.db", "desktop.ini", "icon\r")

Labelled = list[tuple[Path, str]]


class Files(NamedTuple):
    """What is looked for: files by their endings, and what they are called."""

    endings: tuple[str, ...]
    word: str


IMAGES = Files(PICTURES, "pictures")


class Branch:
    """One folder and the wanted files in it, at any depth; hidden files are none of them.

    Attributes:
        path: of the folder.
        flat: files in the folder itself.
        deep: files in the folders in it, by the first of these folders.
        others: files that are of another kind, by their endings.
    """

    def __init__(self, path: Path, kind: Files) -> None:
        self.path = path
        self.flat: list[Path] = []
        self.deep: dict[str, list[Path]] = {}
        self.others: Counter[str] = Counter()
        for file in sorted(_files(path)):
            inner = file.relative_to(path).parts
            if file.suffix.lower() not in kind.endings:
                self.others[file.suffix.lower() or file.name] += 1
            elif len(inner) == 1:
                self.flat.append(file)
            else:
                self.deep.setdefault(normalize("NFC", inner[0]), []).append(file)

    @property
    def files(self) -> list[Path]:
        """All files."""
        return sorted([*self.flat, *(file for files in self.deep.values() for file in files)])

    @property
    def holds_classes(self) -> bool:
        """Whether most files lie in folders in it."""
        return sum(map(len, self.deep.values())) > len(self.flat)


def _files(folder: Path) -> Iterator[Path]:
    seen = set(folder.resolve().parents)
    for home, folders, names in os.walk(folder, followlinks=True):
        real = Path(home).resolve()
        if real in seen:  # a link to a folder above
            folders.clear()
            continue
        seen.add(real)
        folders[:] = [name for name in folders if not hidden([name])]
        for name in names:
            if not hidden([name]) and name.lower() not in JUNK:
                yield Path(home, name)


def branches(folder: Path, kind: Files = IMAGES) -> dict[str, Branch]:
    """Return the folders in a folder by name, hidden ones left out."""
    return {
        normalize("NFC", entry.name): Branch(entry, kind)
        for entry in sorted(folder.iterdir())
        if entry.is_dir() and not hidden([entry.name])
    }


def labelled(folder: Path, tops: Mapping[str, Branch], kind: Files = IMAGES) -> Labelled:
    """Return each file with its class, the folder's name; tell what was left out.

    Raises:
        DataError: there are none.
    """
    found = [(file, name) for name, branch in tops.items() for file in branch.files]
    if not found:
        raise DataError(
            folder, f"holds no folders with {kind.word}; one folder per class is needed"
        )
    told = []
    if empty := [name for name, branch in tops.items() if not branch.files]:
        told.append(f"folders without {kind.word} ({', '.join(empty)})")
    others = sum((branch.others for branch in tops.values()), Counter[str]())
    if others:
        told.append("files " + ", ".join(f"{n} {ending}" for ending, n in others.most_common(4)))
    loose = [file for file in folder.iterdir() if _is_loose(file, kind)]
    if loose:
        told.append(f"{kind.word} in no class folder ({len(loose)})")
    if told:
        say(f"{folder}: left out are {'; '.join(told)}")
    if nested := [f"{name}/{inner}" for name, branch in tops.items() for inner in branch.deep]:
        say(
            f"{folder}: the outer folder is the class ({', '.join(nested[:3])}); "
            "for the inner ones, give a folder that holds these"
        )
    return found


def _is_loose(file: Path, kind: Files) -> bool:
    return file.suffix.lower() in kind.endings and file.is_file() and not hidden([file.name])


def parts(folder: Path, recipe: Recipe, kind: Files = IMAGES) -> dict[str, Labelled]:
    """Return the files of each part that a folder has: ROOT/PART/CLASS, or ROOT/CLASS.

    A folder with a part's name is a part where it holds folders of classes, the same as the other
    parts; one that holds files itself is a class beside others. What is neither is refused.

    Raises:
        DataError: there are no files, or a folder may be a part or a class.
    """
    named = [Path(path).expanduser().resolve() for path in (recipe.valid, recipe.test) if path]
    every = branches(folder, kind)
    tops = {name: branch for name, branch in every.items() if branch.path.resolve() not in named}
    full = {name: branch for name, branch in tops.items() if branch.files}
    of_part = {name: part for name in full if (part := part_of(name))}
    deep = {name: part for name, part in of_part.items() if full[name].holds_classes}
    if not deep:
        _check_classes(folder, full, of_part, kind)
        return {"train": labelled(folder, tops, kind)}
    chosen = _chosen(folder, deep, recipe)
    if "train" in chosen:
        train = full[chosen["train"]]
        rest = [name for name in full if name not in chosen.values()]
        if len(chosen) == 1 and any(name not in of_part for name in rest):
            raise _unclear(folder, chosen["train"], [n for n in rest if n not in of_part])
        if rest:
            say(f"{folder}: parts are {', '.join(deep)}; left out: {', '.join(rest)}")
        classes = branches(train.path, kind)
    else:
        classes = {name: branch for name, branch in tops.items() if name not in deep}
        if not any(branch.files for branch in classes.values()):
            have = ", ".join(deep)
            raise DataError(folder, f"has no training part among its folders ({have})")
        train = None
        say(f"{folder}: {', '.join(deep)} held out; the other folders are the training part")
    found = {"train": labelled(train.path if train else folder, classes, kind)}
    known = {label for _, label in found["train"]}
    for part, name in chosen.items():
        if part == "train":
            continue
        if not known & set(full[name].deep):
            raise _unclear(folder, name, sorted(known))
        found[part] = labelled(full[name].path, branches(full[name].path, kind), kind)
    return found


def _chosen(folder: Path, deep: Mapping[str, str], recipe: Recipe) -> dict[str, str]:
    """Return the folder of each part."""
    chosen: dict[str, str] = {}
    for part in ("train", "valid", "test"):
        names = [name for name, its in deep.items() if its == part]
        if (part == "valid" and recipe.valid) or (part == "test" and recipe.test):
            continue
        if len(names) > 1:
            several = ", ".join(names)
            raise DataError(folder, f"has several {part} folders ({several}); name the one to use")
        if names:
            chosen[part] = names[0]
    return chosen


def _check_classes(
    folder: Path, full: Mapping[str, Branch], of_part: Mapping[str, str], kind: Files
) -> None:
    """Refuse folders that are no classes; tell of classes that are called like parts."""
    if of_part and len(of_part) == len(full):
        raise DataError(
            folder,
            f"has {', '.join(of_part)} with {kind.word} and no class folders in them; put "
            "those of a class into a folder each, or rename folders that are classes "
            "(such as class-test)",
        )
    if of_part:
        say(
            f"{folder}: {', '.join(of_part)} is taken for a class, as it holds {kind.word} itself; "
            "a part holds a folder per class"
        )
    if len(full) == 1 and not of_part:
        (only,) = full.values()
        if only.holds_classes:
            inner = ", ".join([*only.deep][:3])
            raise DataError(
                folder, f"has one class folder, with others in it ({inner}); give {only.path}"
            )


def _unclear(folder: Path, name: str, beside: list[str]) -> DataError:
    listed = ", ".join(beside[:5])
    return DataError(
        folder,
        f"{name} may be a part, or a class beside {listed}; rename it (class-{name}), or give "
        f"{folder / name} as data, valid or test",
    )
