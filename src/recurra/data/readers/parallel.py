"""Sentence pairs: two files with a sentence per line, or one table with two columns."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from recurra.data.readers.columns import (
    FILLED,
    RARE,
    SENTENCE,
    Column,
    find,
    is_header,
    plain,
    unusable,
    words,
)
from recurra.data.readers.hf import Records
from recurra.data.readers.objects import JSON_ENDINGS
from recurra.data.readers.source import Format, assemble, find_parts, read_parts
from recurra.data.readers.table import Table, of_records, open_table
from recurra.data.readers.text import (
    Rows,
    every_line,
    existing,
    existing_file,
    lone_returns,
    say,
)
from recurra.data.splits import Splits
from recurra.errors import DataError
from recurra.training.options import PairTable

TABLES = (".tsv", ".csv", ".txt", ".tab", *JSON_ENDINGS)
# ISO 639-1, where it is no word that a sentence may consist of; and what corpora call the sides.
CODE = re.compile(
    "(?:af|ar|az|bg|bn|ca|cs|cy|da|de|el|en|eo|es|et|eu|fa|fi|fr|ga|gl|gu|he|hi|hr|hu|hy|id|is|it|"
    "ja|ka|kk|kn|ko|lt|lv|mk|ml|mn|mr|ms|mt|nb|ne|nl|nn|no|pa|pl|pt|ro|ru|sk|sl|sq|sr|sv|sw|ta|te|"
    "th|tl|tr|uk|ur|uz|vi|yo|zh|zu|eng|fra|fre|deu|ger|spa|ita|por|rus|jpn|zho|cmn|nld|pol|"
    "source|target|src|tgt|trg)(?:[-_][A-Za-z]{2,4})?",
    re.IGNORECASE,
)
LANGUAGE_NAMES = frozenset(
    [
        *("english", "french", "german", "spanish", "italian", "portuguese", "russian", "chinese"),
        *("japanese", "korean", "dutch", "polish", "czech", "turkish", "arabic", "hindi", "greek"),
        *("hebrew", "swedish", "danish", "norwegian", "finnish", "hungarian", "romanian", "thai"),
        *(
            "vietnamese",
            "indonesian",
            "ukrainian",
            "persian",
            "urdu",
            "bengali",
            "source",
            "target",
        ),
    ]
)


class Pair(NamedTuple):
    """A sentence and its translation."""

    source: str
    target: str
    where: str


def read(recipe: PairTable) -> Splits[Pair]:
    """Return the sentence pairs of `recipe.data`, in three parts.

    `recipe.data` is two files `a,b`, a folder with one file per part and language
    (train.en.gz, train.de.gz, …), a table with two columns, or a data set of the hub.

    Raises:
        DataError: a file or row cannot be used.
    """
    form = Format(
        read=partial(read_table, recipe=recipe, told=set()),
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


def languages(recipe: PairTable) -> tuple[str, str] | None:
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


def find_pairs(folder: Path, recipe: PairTable) -> dict[str, tuple[Path, Path]]:
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
    """Return the pairs of two files, line by line; a line that is blank in both is passed over.

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
    triples = (
        (row, x, y)
        for (row, x), (_, y) in zip(a, b, strict=True)
        if x is None or y is None or x.strip() or y.strip()
    )
    return list(_kept(source, target, triples, rows))


def read_table(
    path: str | Path, rows: Rows, recipe: PairTable, told: set[str] | None = None
) -> list[Pair]:
    """Return the pairs of one table: the columns that the recipe names, or the first two of text.

    Args:
        path: the table.
        rows: what becomes of bad rows.
        recipe: names columns, where they are not to be detected.
        told: what the user has been told already.
    Raises:
        DataError: the file cannot be used, or one of its rows and `rows` does not skip.
    """
    table = open_table(Path(path), rows, (recipe.source, recipe.target), header=_is_header)
    return _pairs(table, rows, recipe, told)


def _pairs(table: Table, rows: Rows, recipe: PairTable, told: set[str] | None) -> list[Pair]:
    source, target = _sides(table, recipe)
    text = (
        f"read as {table.form}, source from {table.called(source)}, target from "
        f"{table.called(target)} (--source, --target)"
    )
    if told is None or text not in told:
        say(f"{table.path}: {text}")
    if told is not None:
        told.add(text)
    sides = (source, target)

    def triples() -> Iterator[tuple[int, str | None, str | None]]:
        for row, cells in table.read(rows):
            both = [plain(cells[i]) for i in sides]
            wrong = next((i for i, cell in zip(sides, both, strict=True) if unusable(cell)), None)
            if wrong is None:
                yield row, both[0], both[1]
            else:
                reason = unusable(plain(cells[wrong]))
                rows.bad(table.path, f"holds {reason} in {table.called(wrong)}", row)

    return list(_kept(table.path, table.path, triples(), rows))


def _is_header(first: Sequence[str], below: Sequence[Column]) -> bool:
    """Whether the first row names the columns: two languages or sides, or as of any table."""
    named = [i for i, cell in enumerate(first) if LANGUAGE_NAMES.intersection(words(cell))]
    named += [i for i, cell in enumerate(first) if CODE.fullmatch(cell.strip())]
    new = all(first[i].strip() not in below[i].values for i in named)
    short = all(len(cell.split()) < SENTENCE for cell in first)
    return (len({first[i] for i in named}) > 1 and new and short) or is_header(first, below)


def _sides(table: Table, recipe: PairTable) -> tuple[int, int]:
    columns = table.columns
    given = [
        None if name is None else find(table.path, columns, name, header=table.header)
        for name in (recipe.source, recipe.target)
    ]
    if len(columns) < 2:
        known = columns[0].name or "1"
        raise DataError(table.path, f"has one column ({known}); a source and a target are needed")
    if given[0] is not None and given[0] == given[1]:
        raise DataError(table.path, f"{table.called(given[0])} cannot be both source and target")
    free = [i for i in range(len(columns)) if i not in given]
    free.sort(key=lambda i: (-_prose(columns[i]), i))
    chosen = sorted(free[: given.count(None)])
    source, target = (chosen.pop(0) if side is None else side for side in given)
    return source, target


def _prose(column: Column) -> int:
    """Return 2 where a column holds sentences, 1 where all begin alike, 0 for ids, scores, codes.

    What begins alike in every row is a licence, or a name of where the sentences are from.
    """
    codes = column.letters < 1 or column.different <= column.filled / RARE
    if column.numeric or column.share < FILLED or (codes and column.rows >= RARE):
        return 0
    return 1 if column.opening and column.rows > 1 else 2


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


def _from_records(records: Records, rows: Rows, recipe: PairTable) -> list[Pair]:
    first = next(iter(records), {})
    if isinstance(first.get("translation"), dict):  # the hub's own form for translations
        columns = sorted(first["translation"])
        found = [row["translation"] for row in records]
        return _pairs(of_records(records.name, columns, found), rows, recipe, None)
    return _pairs(of_records(records.name, records.columns, records), rows, recipe, None)
