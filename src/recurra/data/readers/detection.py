"""Which columns of a tagged file hold tokens, tags and sentences: as asked, by name, by content."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from recurra.data.readers.cells import TAG, Line
from recurra.data.readers.layout import NUMBER, NUMBERED, Layout, opens_document, wrong_tag
from recurra.errors import DataError
from recurra.training.options import TaggedTable

TOKEN_NAMES = {"word", "words", "token", "tokens", "form", "text"}
TAG_NAMES = {"tag", "tags", "ner", "nertag", "nertags", "label", "labels", "entity", "iob", "bio"}
SENTENCE_NAMES = {
    *("sentence", "sentenceid", "sentenceidx", "sentencenumber", "sentenceno", "sentencenum"),
    *("sent", "sentid", "sentidx", "sentno"),
}
DOCUMENT_NAMES = {"doc", "docid", "document", "documentid", "article", "articleid"}
ALL_NAMES = TOKEN_NAMES | TAG_NAMES | SENTENCE_NAMES


class Filled(NamedTuple):
    """A line that has cells."""

    row: int
    cells: list[str]


def find_layout(path: Path, lines: Sequence[Line], recipe: TaggedTable) -> Layout:
    """Return the layout that the recipe asks for, or else the one that is true of every row.

    Raises:
        DataError: the recipe names a column that is not there, or no column holds tags.
    """
    filled = [Filled(row, cells) for row, cells in lines if cells and not opens_document(cells)]
    table = [line for line in filled if not line.cells[0].startswith("#")] or filled
    if not table:
        raise DataError(path, "holds no sentences")
    width = Counter(len(line.cells) for line in table).most_common(1)[0][0]
    table = [line for line in table if len(line.cells) == width]
    if width < 2:
        raise DataError(path, "has one column; a token and a tag are needed", table[0].row)
    return _Finder(path, table, width, recipe).find(lines)


class _Finder:
    def __init__(self, path: Path, table: list[Filled], width: int, recipe: TaggedTable) -> None:
        self.path, self.width, self.recipe = path, width, recipe
        self.first, self.body = table[0], table[1:] or table
        self.columns = list(zip(*(line.cells for line in self.body), strict=True))
        self.valid = [sum(map(bool, map(TAG.fullmatch, column))) for column in self.columns]
        self.names: list[str] = []  # of the header, if there is one

    def find(self, lines: Sequence[Line]) -> Layout:
        header = self._header()
        if header:
            self.names = list(self.first.cells)
        elif len(self.columns[0]) and self.body[0] is not self.first:
            cells = zip(self.first.cells, self.columns, strict=True)
            self.columns = [(cell, *column) for cell, column in cells]
        sentence = self._asked("sentence_column")
        if sentence is None:
            sentence = self._named(SENTENCE_NAMES, set())
        index = self._index(without=sentence)
        tag = self._tag(index)
        if sentence is None and not _parted(lines):
            sentence = self._sentence({self._asked("token_column"), tag, index})
        token = self._token(tag, sentence)
        layout = Layout(
            self.width,
            token,
            tag,
            sentence,
            document=None if sentence is None else self._named(DOCUMENT_NAMES, {token, tag}),
            index=index,
            header=self.first.row if header else None,
            first=self.first.row,
        )
        plain = not header and (self.width, token, tag) == (2, 0, 1)
        told = "" if plain else self._told(layout)
        return replace(layout, told=told)

    def _header(self) -> bool:
        """Return whether the first row names columns: it has no tag where the others have one."""
        cells = [cell.lower() for cell in self.first.cells]
        asked = [self.recipe.token_column, self.recipe.tag_column, self.recipe.sentence_column]
        if any(name.strip().lower() in cells for name in asked if name and not name.isdecimal()):
            return True
        tag = self._asked("tag_column")
        if tag is None:
            tag = max(range(self.width), key=lambda c: (self.valid[c], c))
        if TAG.fullmatch(self.first.cells[tag]):
            return False
        return bool({_plain(cell) for cell in cells} & ALL_NAMES)

    def _asked(self, field: str) -> int | None:
        wanted = getattr(self.recipe, field)
        if wanted is None:
            return None
        wanted = wanted.strip()
        if wanted.isdecimal():
            if 1 <= int(wanted) <= self.width:
                return int(wanted) - 1
        elif wanted in self.names:
            if self.names.count(wanted) > 1:
                raise DataError(self.path, f"has two columns named {wanted!r}; give its number")
            return self.names.index(wanted)
        elif wanted.lower() in (lower := [name.lower() for name in self.names]):
            return lower.index(wanted.lower())
        first = ", ".join(f"{i} {cell!r}" for i, cell in enumerate(self.first.cells, start=1))
        raise DataError(self.path, f"has no column {wanted!r} ({field}); its first row is {first}")

    def _labels(self) -> list[str]:
        return self.names or [""] * self.width

    def _named(self, names: set[str], without: set[int | None]) -> int | None:
        found = (i for i, name in enumerate(self.names) if _plain(name) in names)
        return next((i for i in found if i not in without), None)

    def _tag(self, index: int | None) -> int:
        """Return the column whose every cell is a tag.

        Of several: the one that is named so; then the last, as in CoNLL 2003, but the first where
        tokens are counted, as in GermEval 2014.
        """
        if (asked := self._asked("tag_column")) is not None:
            return asked
        best = max(self.valid)
        if not best:
            row, cell = self.body[0].row, self.body[0].cells[-1]
            raise DataError(self.path, f"{wrong_tag(cell)}; --tag-column names its column", row)
        # A single damaged tag does not make another column the better one: its row is told.
        full = [c for c in range(self.width) if self.valid[c] >= 0.9 * best]
        full = [c for c in full if _plain(self._labels()[c]) in TAG_NAMES] or full
        return full[-1 if index is None else 0]

    def _token(self, tag: int, sentence: int | None) -> int:
        """Return the column that is named so, or the first that does not hold numbers or tags."""
        if (asked := self._asked("token_column")) is not None:
            if asked == tag:
                raise DataError(self.path, f"column {asked + 1} cannot be token and tag")
            return asked
        if (named := self._named(TOKEN_NAMES, {tag, sentence})) is not None:
            return named
        free = [c for c in range(self.width) if c not in (tag, sentence)]
        if not free:
            raise DataError(self.path, "has no column left for tokens; --token-column names one")
        words = [c for c in free if not all(map(NUMBERED.fullmatch, self.columns[c]))]
        words = [c for c in words if self.valid[c] < self.valid[tag]] or words
        words = [c for c in words if all(self.columns[c])] or words
        return (words or free)[0]

    def _index(self, *, without: int | None) -> int | None:
        """Return the first column where it counts tokens, through the file or each sentence."""
        taken = {without, self._asked("token_column"), self._asked("tag_column")}
        if self.width < 3 or 0 in taken or not all(map(NUMBERED.fullmatch, self.columns[0])):
            return None
        before: int | None = None
        for cell in self.columns[0]:
            if NUMBER.fullmatch(cell):
                if before is not None and int(cell) != before + 1 and int(cell) not in (0, 1):
                    return None
                before = int(cell)
        return 0 if len(set(self.columns[0])) > 1 else None

    def _sentence(self, without: set[int | None]) -> int | None:
        """Return a column with a value for each sentence: in its first row, or in all of its rows.

        Values of the second kind fill the rows without a gap, and none comes again.
        """
        free = [c for c in range(self.width) if c not in without]
        if len(free) == 1 and self.recipe.token_column is None:
            return None  # the tokens
        for c in free:
            cells = self.columns[c]
            filled = sum(map(bool, cells))
            if cells[0] and 1 < filled < len(cells):
                return c
            runs = [value for value, _ in groupby(cells)]
            if filled == len(cells) and 1 < len(runs) == len(set(runs)) <= len(cells) / 2:
                return c
        return None

    def _told(self, layout: Layout) -> str:
        def column(c: int) -> str:
            return f"{c + 1} ({self.names[c]!r})" if self.names else str(c + 1)

        told = f"tokens in column {column(layout.token)}, tags in column {column(layout.tag)}"
        if layout.index is not None:
            told += f", counted in column {column(layout.index)}"
        if layout.sentence is not None:
            places = [self.columns[layout.sentence]]
            if layout.document is not None:
                places.insert(0, self.columns[layout.document])
                told += f", documents in column {column(layout.document)}"
            runs = Counter(place for place, _ in groupby(zip(*places, strict=True)) if place[-1])
            told += f", {runs.total():,} sentences in column {column(layout.sentence)}"
            if apart := sum(count > 1 for count in runs.values()):
                told += f", {apart:,} of them in several places, each taken for a sentence"
        if layout.header is not None:
            told += f", row {layout.header} names the columns"
        options = "--token-column, --tag-column and --sentence-column"
        return f"{told} ({options} choose others)"


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name.lower())


def _parted(lines: Sequence[Line]) -> bool:
    """Return whether anything but columns parts sentences: a blank line or a document's start."""
    tokens = [bool(cells) and not opens_document(cells) for _, cells in lines if cells is not None]
    return sum(token for token, _ in groupby(tokens)) > 1
