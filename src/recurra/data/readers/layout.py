"""Where a tagged file has tokens, tags and sentences, and which of its rows are none."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from recurra.data.readers.cells import DOCUMENT, TAG

NUMBER = re.compile(r"\d+")
NUMBERED = re.compile(r"\d+(?:[-.]\d+)?")  # 3, the range 3-4 and the empty node 3.1 of CoNLL-U
COMMENT = re.compile(r"#+(?:\s|$)|#+[\w.:\[\]-]+\s*=")


@dataclass(frozen=True)
class Layout:
    """Where things are; columns are counted from 0.

    Args:
        width: how many columns there are.
        token: column of the token.
        tag: column of its tag.
        sentence: column that says which sentence it is in, if one does.
        document: column that says which document its sentence is in, if one does.
        index: column that counts tokens, if one does.
        header: the row that names the columns, if one does.
        first: the table's first row, whatever it is.
        told: what was decided where the file leaves a choice, for the user.
    """

    width: int
    token: int
    tag: int
    sentence: int | None = None
    document: int | None = None
    index: int | None = None
    header: int | None = None
    first: int = 0
    told: str = ""

    def comments(self, cells: Sequence[str], *, inside: bool) -> bool:
        """Return whether a line is a comment: it begins with # and is no row of the table.

        Without a column that counts tokens, comments stand before a sentence, never `inside`.
        """
        if not cells[0].startswith("#"):
            return False
        if len(cells) == self.width and TAG.fullmatch(cells[self.tag]):
            return False
        return self.index is not None or (not inside and COMMENT.match(" ".join(cells)) is not None)

    def begins(self, cells: Sequence[str] | None, before: Sequence[str] | None) -> bool:
        """Return whether a row begins a sentence by its columns; `before`: the row before it."""
        if not cells or not before or len(cells) != self.width:
            return False
        for column in (self.document, self.sentence):
            if column is not None and cells[column] not in ("", before[column]):
                return True
        if self.index is None or not NUMBER.fullmatch(cells[self.index]):
            return False
        return int(cells[self.index]) <= int(before[self.index])

    def opens(self, cells: Sequence[str] | None, before: Sequence[str] | None) -> bool:
        """Return whether a document begins with this row, which begins a sentence or parts two."""
        if not cells or opens_document(cells):
            return bool(cells)
        if self.document is None or not before or len(cells) != self.width:
            return False
        return cells[self.document] not in ("", before[self.document])

    def carried(self, cells: list[str], before: Sequence[str] | None) -> list[str]:
        """Return a row with the sentence that it is in, which only the first row may say."""
        kept = list(cells)
        for column in (self.document, self.sentence):
            if before and column is not None:
                kept[column] = cells[column] or before[column]
        return kept

    def passes_over(self, cells: Sequence[str] | None) -> bool:
        """Return whether a row is no token: CoNLL-U's ranges of words, and its empty nodes."""
        if not cells or self.index is None or len(cells) != self.width:
            return False
        return NUMBERED.fullmatch(cells[self.index]) is not None and not NUMBER.fullmatch(
            cells[self.index]
        )


def opens_document(cells: Sequence[str]) -> bool:
    """Return whether a line says that a new document begins."""
    return any(cell.startswith(DOCUMENT) for cell in cells)


def wrong_tag(cell: object) -> str:
    """Return what is wrong with a cell that is no tag."""
    return f"has the tag {cell!r}; a tag is O, or B-, I-, E-, S-, L- or U- and a type"
