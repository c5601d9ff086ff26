"""Three parts of series, one after another in time: what is foretold in one is in no other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from recurra.data.readers.objects import JSON_ENDINGS
from recurra.data.readers.series import Series, read_file
from recurra.data.readers.source import Format, locate
from recurra.data.readers.table import Table
from recurra.data.readers.text import Rows, say
from recurra.data.splits import Splits
from recurra.errors import DataError
from recurra.training.options import SeriesTable

ENDINGS = (".csv", ".tsv", ".tab", ".txt", ".parquet", ".pq", *JSON_ENDINGS)
NAMES = ("train", "valid", "test")


def read(
    recipe: SeriesTable,
    split: str,
    known: Sequence[str] = (),
    *,
    stamped: bool = False,
    marks: Callable[[Table], list[int]] | None = None,
) -> Splits[Series]:
    """Return the series of `recipe.data`, in three parts.

    A part without a file of its own is cut off the end of every training series. It holds what
    lies before it too, which its windows look back to; its targets begin where it begins.

    Args:
        recipe: names the files, and columns where they are not to be detected.
        split: shares "0.7,0.1,0.2", or numbers of steps "8640,2880,2880".
        known: columns that are known of the future too.
        stamped: each row is a step, whatever its time.
        marks: a table → its columns that mark rows; they are no values.
    Raises:
        DataError: a file or row cannot be used, or a series is too short to be cut.
    """
    rows, data = Rows.of(recipe), str(recipe.data)
    if data.startswith("hf:"):
        raise DataError(data, "cannot be read for this task; give files")
    form = Format[Series](
        read=partial(read_file, recipe=recipe, known=known, stamped=stamped, marks=marks),
        accepts=_accepts,
        content=lambda one: one.values.tobytes(),
    )
    paths = locate(recipe, form)
    first = sorted(paths, key=lambda part: part != "train")
    read = {path: form.read(path, rows) for path in dict.fromkeys(paths[name] for name in first)}
    parts = {name: read[path] for name, path in paths.items()}
    missing = [name for name in NAMES if name not in parts]
    if missing:
        parts |= divide(parts["train"], missing, [float(part) for part in split.split(",")], data)
    train, valid, test = (list(parts[name]) for name in NAMES)
    return Splits(train, valid, test, rows.close(), rows.encodings.settled, form.content)


def divide(
    whole: Sequence[Series], missing: Sequence[str], split: Sequence[float], data: str
) -> dict[str, list[Series]]:
    """Return the parts of series in the order of time, the training part first.

    Raises:
        DataError: a series has too few steps.
    """
    parts: dict[str, list[Series]] = {name: [] for name in ("train", *missing)}
    for one in whole:
        begin = 0
        for name, end in zip(parts, _ends(one, [*parts], split, data), strict=True):
            parts[name].append(one.upto(end, begin))
            begin = end
    first = {name: found[0] for name, found in parts.items()}
    told = ", ".join(f"{len(p.values) - p.begin:,} {name}" for name, p in first.items())
    each = " of the first series" if len(whole) > 1 else ""
    say(f"{data}: split in time, {told} steps{each} (--split)")
    return parts


def _ends(one: Series, names: Sequence[str], split: Sequence[float], data: str) -> list[int]:
    """Return where each part ends."""
    count = len(one.values)
    wanted = dict(zip(NAMES, split, strict=True))
    if max(split) > 1:
        sizes = [int(wanted[name]) for name in names]
    else:
        held = [round(count * wanted[name]) for name in names[1:]]
        left = 1 - sum(split)  # what shares leave out stays unused, at the end
        sizes = [count - sum(held) - round(count * left), *held]
    ends = [sum(sizes[: i + 1]) for i in range(len(sizes))]
    if ends[-1] > count or min(sizes) < 1:
        of = f"series {one.id!r} has" if one.id else "has"
        asked = ", ".join(f"{size:,} {name}" for size, name in zip(sizes, names, strict=True))
        raise DataError(data, f"{of} {count:,} steps, too few for {asked}; change --split")
    return ends


def _accepts(path: Path) -> bool:
    return path.name.lower().removesuffix(".gz").endswith(ENDINGS)
