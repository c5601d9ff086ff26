"""Sentence pairs: two files with a sentence per line, or one table with two columns."""

import re
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from recurra.data.readers.delimited import cells_of
from recurra.data.readers.hf import Records
from recurra.data.readers.source import Format, assemble, find_parts, read_parts
from recurra.data.readers.text import (
    Rows,
    every_line,
    existing,
    existing_file,
    lines,
    lone_returns,
    say,
)
from recurra.data.splits import Splits
from recurra.errors import DataError
from recurra.training.recipe import Recipe

TABLES = (".tsv", ".csv", ".txt", ".tab")
HEADER = re.compile(r"source|target|src|tgt|trg|[a-z]{2,3}([-_][A-Za-z]{2,4})?")


class Pair(NamedTuple):
    """A sentence and its translation."""

    source: str
    target: str
    where: str


def read(recipe: Recipe) -> Splits[Pair]:
    """Return the sentence pairs of `recipe.data`, in three parts.

    `recipe.data` is two files `a,b`, a folder with one file per part and language
    (train.en.gz, train.de.gz, …), a table with two columns, or a data set of the hub.

    Raises:
        DataError: a file or row cannot be used.
    """
    form = Format(
        read=partial(read_table, recipe=recipe),
        accepts=lambda path: path.name.removesuffix(".gz").endswith(TABLES),
        content=lambda pair: pair.source,
        records=partial(_from_records, recipe=recipe),
    )
    data = str(recipe.data)
    twins: dict[str, tuple[Path, Path]] = {}
    if "," in data and not Path(data).exists():
        twins["train"] = _two(data)
    elif not data.startswith("hf:") and (folder := existing(data)).is_dir():
        twins = find_pairs(folder, recipe)
    if not twins:
        return read_parts(recipe, form)
    for part, named in [("valid", recipe.valid), ("test", recipe.test)]:
        if named:
            twins[part] = _two(named)
    rows = Rows.of(recipe)
    read = {part: read_files(*pair, rows) for part, pair in twins.items()}
    return assemble(read, recipe, form, rows)


def languages(recipe: Recipe) -> tuple[str, str] | None:
    """Return source and target language (file suffixes) of `recipe.data`, where it names them."""
    data = str(recipe.data)
    if "," in data and not Path(data).exists():
        source, target = _two(data)
        return _language(source), _language(target)
    if not data.startswith("hf:") and Path(data).expanduser().is_dir():
        train = find_pairs(Path(data).expanduser(), recipe).get("train")
        return (_language(train[0]), _language(train[1])) if train else None
    return (recipe.source, recipe.target) if recipe.source and recipe.target else None


def _two(named: str) -> tuple[Path, Path]:
    names = named.split(",")
    if len(names) != 2:
        raise DataError(named, "is not two files; write source,target")
    return existing_file(names[0].strip()), existing_file(names[1].strip())


def _language(path: Path) -> str:
    return path.name.removesuffix(".gz").rpartition(".")[2].lower()


def find_pairs(folder: Path, recipe: Recipe) -> dict[str, tuple[Path, Path]]:
    """Return source and target file of each part, told by the files' language suffixes.

    Without `recipe.source` and `recipe.target`, the direction is the suffixes' alphabetical order.

    Raises:
        DataError: a part has several files of one language, or not both languages.
    """

    def accepts(path: Path) -> bool:
        suffix = _language(path)
        return path.is_file() and suffix.isalpha() and 2 <= len(suffix) <= 3 and suffix not in other

    other = {ending.strip(".") for ending in (*TABLES, ".md", ".zip", ".tar")}
    parts = find_parts(folder, accepts)
    known = sorted({_language(path) for paths in parts.values() for path in paths})
    if "train" not in parts or len(known) < 2:
        return {}
    for name in (recipe.source, recipe.target):
        if name is not None and name.lower() not in known:
            raise DataError(folder, f"has no files in {name!r}; its languages are {known}")
    source, target = (name and name.lower() for name in (recipe.source, recipe.target))
    if len(known) > 2 and not (source and target):
        raise DataError(folder, f"has the languages {', '.join(known)}; name source and target")
    source = source or next(language for language in known if language != target)
    target = target or next(language for language in known if language != source)
    if not recipe.source and not recipe.target:
        say(f"{folder}: {source} → {target} (alphabetical; set source and target to change it)")
    twins = {}
    for part, paths in parts.items():
        if getattr(recipe, part, None):
            continue
        sides = [[path for path in paths if _language(path) == side] for side in (source, target)]
        for side, found in zip((source, target), sides, strict=True):
            if len(found) != 1:
                names = ", ".join(path.name for path in found) or "none"
                raise DataError(folder, f"needs one {part} file in {side!r} (found: {names})")
        twins[part] = (sides[0][0], sides[1][0])
    return twins


def read_files(source: Path, target: Path, rows: Rows) -> list[Pair]:
    """Return the pairs of two files, line by line.

    Raises:
        DataError: they have different numbers of lines; or a line is empty and `rows` does not
            skip.
    """
    a, b = list(every_line(source, rows)), list(every_line(target, rows))
    ends = {path: lone_returns(path, rows) for path in (source, target)}
    if ends[source] != ends[target]:
        # A CR alone ends lines where it does so in both; else it stands within a sentence.
        a, b = (list(every_line(p, rows, "\n" if ends[p] else "")) for p in (source, target))
        told = ", ".join(str(path) for path in ends if ends[path])
        say(f"{told}: a carriage return alone is read as a space; lines end with a line feed")
    if len(a) != len(b):
        raise DataError(
            source, f"has {len(a):,} lines but {target.name} has {len(b):,}; they must match"
        )
    triples = ((row, x, y) for (row, x), (_, y) in zip(a, b, strict=True))
    return list(_kept(source, target, triples, rows))


def read_table(path: str | Path, rows: Rows, recipe: Recipe) -> list[Pair]:
    """Return the pairs of one table, the first two columns or those that the recipe names.

    Raises:
        DataError: the file cannot be used, or one of its rows and `rows` does not skip.
    """
    path = Path(path)
    numbered = lines(path, rows)
    head = list(islice(numbered, 50))
    records = cells_of(path, head, chain(head, numbered), rows)
    first = next(records, None)
    if first is None:
        raise DataError(path, "holds no rows")
    columns = [cell.strip() for cell in first[1]]
    if recipe.source or recipe.target or all(map(HEADER.fullmatch, columns)):
        source, target = _sides(path, columns, recipe)
    else:
        source, target, records = 0, 1, chain([first], records)

    def triples() -> Iterator[tuple[int, str | None, str | None]]:
        for row, cells in records:
            if len(cells) == len(columns):
                yield row, cells[source], cells[target]
            else:
                rows.bad(path, f"has {len(cells)} columns where {len(columns)} are expected", row)

    return list(_kept(path, path, triples(), rows))


def _sides(path: str | Path, columns: list[str], recipe: Recipe) -> tuple[int, int]:
    for name in (recipe.source, recipe.target):
        if name is not None and name not in columns:
            raise DataError(path, f"has no column {name!r}; its columns are {', '.join(columns)}")
    if len(columns) < 2:
        raise DataError(path, f"has one column ({columns[0]}); a source and a target are needed")
    free = [i for i, name in enumerate(columns) if name not in (recipe.source, recipe.target)]
    source = columns.index(recipe.source) if recipe.source else free.pop(0)
    target = columns.index(recipe.target) if recipe.target else free.pop(0)
    return source, target


def _kept(
    source: str | Path,
    target: str | Path,
    triples: Iterable[tuple[int, str | None, str | None]],
    rows: Rows,
) -> Iterator[Pair]:
    for row, a, b in triples:
        if a is None or b is None:  # told when it was read
            continue
        if a.strip() and b.strip():
            yield Pair(a.strip(), b.strip(), f"{source}:{row}")
        else:
            side, path = ("target", target) if a.strip() else ("source", source)
            rows.bad(path, f"has an empty {side} sentence", row)


def _from_records(records: Records, rows: Rows, recipe: Recipe) -> list[Pair]:
    first = next(iter(records), {})
    nested = isinstance(first.get("translation"), dict)  # the hub's own form for translations
    columns = sorted(first["translation"]) if nested else records.columns
    source, target = _sides(records.name, columns, recipe)
    table = ((n, row["translation"] if nested else row) for n, row in enumerate(records, start=1))
    triples = ((n, str(row[columns[source]]), str(row[columns[target]])) for n, row in table)
    return list(_kept(records.name, records.name, triples, rows))
