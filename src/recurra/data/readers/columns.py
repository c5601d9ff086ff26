"""What the columns of a table hold: told by all of its rows, not by names alone."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from recurra.errors import DataError

# In a table's cell; in JSON also null and NaN. "NA" and "none" are words: classes have such names.
MISSING = frozenset({"", "nan", "NaN", "NAN", "null", "NULL", "None"})
MOST = 20_000  # different values that are counted
LONGEST = 300  # characters of a value that is kept as it is
WORDY = 2000  # cells whose letters are counted
NEARLY_EMPTY = 0.5
FILLED = 0.95
RARE = 10
SENTENCE = 4  # words that no column's name has
TEXT_NAMES = (
    *("text", "sentence", "review", "content", "comment", "phrase", "headline", "tweet", "news"),
    *("utterance", "body", "message", "document", "question", "reviewtext", "reviewbody"),
    *("commenttext", "tweettext", "questiontext"),
)
LABEL_NAMES = (
    *("label", "labels", "sentiment", "class", "category", "target", "rating", "stars"),
    *("intent", "topic", "polarity", "emotion", "score", "tag", "language"),
)
SURROGATE = re.compile("[\ud800-\udfff]")
WHOLE = re.compile(r"([+-]?\d+)\.0*")


class Nested(str):
    """What stands for an object or an array in a cell: no text, and not empty either."""


def plain(value: Any) -> str:
    """Return a cell as text: "" where it is missing, `Nested` for what is no single value."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list | tuple):
        return Nested("an object" if isinstance(value, dict) else "an array")
    return str(value)


def unusable(cell: str) -> str | None:
    """Return what a cell holds that is no text, if it does."""
    if isinstance(cell, Nested):
        return f"{cell}, where one text or number is needed,"
    if not cell.isascii() and SURROGATE.search(cell):
        return "half of a character (a lone surrogate)"
    return None


def as_label(value: str) -> str:
    """Return a label so that one class has one spelling: 1 for 1.0, true for True; "" for none."""
    value = unicodedata.normalize("NFC", value.strip())
    if value in MISSING:
        return ""
    if whole := WHOLE.fullmatch(value):
        return whole[1]
    return value.lower() if value.lower() in ("true", "false") else value


def is_number(cell: str) -> bool:
    """Whether a cell holds a number."""
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return True


def letters(cell: str) -> int:
    """Return how many letters a cell's words have; addresses, numbers and ids are no words."""
    found = 0
    for word in cell.split():
        if not any(c.isdigit() or c in "/@_\\" for c in word):
            found += sum(c.isalpha() for c in word)
    return found


class Column:
    """What is known of a column.

    Args:
        name: its name in the header, or "".
    """

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.rows = self.filled = self._letters = self._read = 0
        self.values: Counter[str] = Counter()
        self.numeric = True
        self.opening: str | None = None  # the first word, while all cells have the same

    def add(self, value: Any) -> None:
        """Take one more cell into account."""
        self.rows += 1
        cell = value if type(value) is str else plain(value)
        if isinstance(cell, Nested) or (cell := cell.strip()) in MISSING:
            return
        self.filled += 1
        if self._read < WORDY or self.rows % 50 == 0:
            self._read += 1
            self._letters += letters(cell)
        known = cell if len(cell) <= LONGEST else str(hash(cell))
        if known in self.values:  # nothing new but its number
            self.values[known] += 1
            return
        if len(self.values) < MOST:
            self.values[known] = 1
        if self.numeric:
            self.numeric = is_number(cell)
        if self.opening != "":
            first = cell.split(maxsplit=1)[0]
            self.opening = first if self.opening in (None, first) else ""

    @property
    def different(self) -> int:
        """How many different values it has, up to a bound."""
        return len(self.values)

    @property
    def share(self) -> float:
        """The share of rows that have a value."""
        return self.filled / max(1, self.rows)

    @property
    def letters(self) -> float:
        """Letters of words in a cell, on average."""
        return self._letters / max(1, self._read)

    @property
    def repeats(self) -> bool:
        """Whether its values are those of few classes."""
        return 0 < self.different <= self.filled / 2

    @property
    def words(self) -> list[str]:
        """The words of its name, in lower case."""
        return words(self.name)


def words(name: str) -> list[str]:
    """Return the words of a name, in lower case: airline_sentiment, SentenceId."""
    return re.findall(r"[^\W\d_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower())


def survey(rows: Iterable[Sequence[Any]], width: int) -> list[Column]:
    """Return what each column of these rows holds."""
    columns = [Column() for _ in range(width)]
    for cells in rows:
        for column, cell in zip(columns, cells, strict=True):
            column.add(cell)
    return columns


def is_text_name(name: str) -> int:
    """Return 2 for the names text and sentence, 1 for others of columns that hold texts, or 0."""
    plainly = "".join(words(name))
    return (plainly in TEXT_NAMES) + (plainly in TEXT_NAMES[:2])


def label_rank(name: str) -> tuple[bool, int]:
    """Return (is it a label's name as a whole, how far down in the list its word is, negated)."""
    parts = words(name)
    whole = "".join(parts) in LABEL_NAMES
    ranks = [LABEL_NAMES.index(word) for word in parts if word in LABEL_NAMES]
    return whole, -min(ranks, default=len(LABEL_NAMES))


def is_header(first: Sequence[str], columns: Sequence[Column]) -> bool:
    """Whether the first row names the columns, whose other rows are surveyed.

    It does where it differs from every row below it: a word over numbers, a value that no other
    row has over classes that each have several rows. A name alone proves nothing.
    """
    cells = [cell.strip() for cell in first]
    labelled = any(label_rank(cell)[1] > -len(LABEL_NAMES) for cell in cells)
    named = any(is_text_name(cell) for cell in cells)
    evidence = 1.5 if labelled and named else 0.5 if labelled or named else 0.0
    if all(len(cell.split()) < SENTENCE for cell in cells) and _different(cells):
        evidence += 0.5
    for cell, column in zip(cells, columns, strict=True):
        if not cell or not column.filled:
            continue
        if cell in column.values:
            if labelled and named and column.values[cell] * RARE <= column.filled:
                continue  # files that were joined have their header again
            if column.repeats:
                return False
            evidence -= 1
        elif column.numeric:
            evidence += -2 if is_number(cell) else 2
        elif column.repeats and min(column.values.values()) > 1:
            evidence += 1
        elif len(cell.split()) >= SENTENCE:
            evidence -= 1.5
    return evidence >= 1


def _different(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell]
    return len(set(filled)) == len(filled)


def find(path: str | Path, columns: Sequence[Column], given: str, *, header: bool) -> int:
    """Return the position of a column that is given by name, or by number from 1.

    Raises:
        DataError: there is none, or several of that name.
    """
    wanted = given.strip()
    found = [i for i, column in enumerate(columns) if header and column.name == wanted]
    if len(found) > 1:
        numbers = " and ".join(str(i + 1) for i in found)
        raise DataError(path, f"has {len(found)} columns named {given!r}; give a number: {numbers}")
    if found:
        return found[0]
    if wanted.isascii() and wanted.isdigit() and 1 <= int(wanted) <= len(columns):
        return int(wanted) - 1
    if header:
        known = ", ".join(column.name or str(i) for i, column in enumerate(columns, start=1))
        raise DataError(path, f"has no column {given!r}; its columns are {known}")
    raise DataError(
        path, f"has no header with {given!r}; give a column's number, 1 to {len(columns)}"
    )


def choose_text(columns: Sequence[Column], without: int | None) -> int:
    """Return the position of the likeliest text: filled, many values, named so, most letters."""

    def rank(i: int) -> tuple[Any, ...]:
        column = columns[i]
        plausible = column.share >= NEARLY_EMPTY and (column.rows < 4 or not column.repeats)
        return plausible, is_text_name(column.name), column.letters, -i

    return max((i for i in range(len(columns)) if i != without), key=rank)


def choose_label(columns: Sequence[Column], without: int) -> int | None:
    """Return the position of the likeliest label, or None where no column can be one.

    A column with a single value, or nearly empty, is none. Filled ones with repeated values come
    first, then those named as labels, then those with the fewest values.
    """

    def possible(i: int) -> bool:
        column = columns[i]
        return i != without and (
            column.rows < 2 or (column.different > 1 and column.share > NEARLY_EMPTY)
        )

    def rank(i: int) -> tuple[Any, ...]:
        column = columns[i]
        classes = column.share >= FILLED and (column.rows < 10 or column.repeats)
        whole, word = label_rank(column.name)
        return classes, whole, word, -column.different, -column.letters, -i

    found = [i for i in range(len(columns)) if possible(i)]
    if found:
        return max(found, key=rank)
    # Labels that are all the same can be evaluated, where there is no doubt which they are.
    others = [i for i, column in enumerate(columns) if i != without and column.filled]
    named = [i for i in others if label_rank(columns[i].name)[0]] or others
    return named[0] if len(named) == 1 else None
