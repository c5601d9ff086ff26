"""Tagged sentences in CoNLL columns: the token first, the tag last, a blank line between."""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from recurra.data.readers.hf import Records
from recurra.data.readers.source import Format, read_parts
from recurra.data.readers.text import Rows, lines
from recurra.data.splits import Splits
from recurra.errors import DataError
from recurra.training.recipe import Recipe

TAG = re.compile(r"O|([BIESLU])-(\S+)")
NOT_DATA = (".md", ".zip", ".json", ".toml", ".pdf")


class Tagged(NamedTuple):
    """A sentence with one IOB2 tag per token."""

    tokens: list[str]
    tags: list[str]
    where: str


class Token(NamedTuple):
    """One row of a file."""

    text: str
    tag: str
    row: int


def read(recipe: Recipe) -> Splits[Tagged]:
    """Return the tagged sentences of `recipe.data`, in three parts, their tags in IOB2.

    Raises:
        DataError: a file or row cannot be used.
    """
    return read_parts(
        recipe,
        Format(
            read=read_file,
            accepts=lambda path: path.is_file() and path.suffix.lower() not in NOT_DATA,
            content=lambda example: "\n".join(example.tokens),
            labels=lambda example: [tag[2:] for tag in example.tags if tag != "O"],
            least=1,
            records=partial(_from_records, recipe=recipe),
        ),
    )


def read_file(path: str | Path, rows: Rows) -> list[Tagged]:
    """Return the tagged sentences of one file. A sentence with a bad row is left out.

    Raises:
        DataError: the file cannot be used, or one of its rows and `rows` does not skip.
    """
    path = Path(path)
    sentences = list(_sentences(path, rows))
    if not sentences:
        raise DataError(path, "holds no sentences")
    return [
        Tagged([t.text for t in sentence], to_iob2([t.tag for t in sentence]), _at(path, sentence))
        for sentence in sentences
    ]


def _at(path: Path, sentence: list[Token]) -> str:
    return f"{path}:{sentence[0].row}"


def _sentences(path: Path, rows: Rows) -> Iterator[list[Token]]:
    width, separator = 0, None
    sentence: list[Token] = []
    spoilt = False
    for row, line in lines(path, rows):
        if not line.strip() or line.startswith("-DOCSTART-"):
            if sentence and not spoilt:
                yield sentence
            sentence, spoilt = [], False
            continue
        if width == 0:
            separator = "\t" if "\t" in line else None
        cells = line.strip("\r\n").split(separator)
        if separator:
            cells = [cell.strip() for cell in cells]
        width = width or len(cells)
        if reason := _fault(cells, width):
            if not spoilt:  # one bad row spoils its sentence, and is told once
                rows.bad(path, reason, row)
            spoilt = True
        else:
            sentence.append(Token(cells[0], cells[-1], row))
    if sentence and not spoilt:
        yield sentence


def _fault(cells: list[str], width: int) -> str | None:
    if width < 2:
        return "has one column; a token and a tag are needed"
    if len(cells) != width:
        return f"has {len(cells)} columns where {width} are expected"
    if not cells[0]:
        return "has no token"
    if not TAG.fullmatch(cells[-1]):
        return f"has the tag {cells[-1]!r}; a tag is O, or B-, I-, E-, S-, L- or U- and a type"
    return None


def to_iob2(tags: list[str]) -> list[str]:
    """Return the tags of a sentence in IOB2, whichever of IO, IOB1, IOB2, IOBES, BILOU they are in.

    A span begins at B, S and U; and wherever the token before is outside, of another type, or
    closed its span (E, S, L, U). In IO and IOB1 an I may begin one; in the others it never needs
    to, so no detection is called for.

    Ramshaw and Marcus 1995, https://aclanthology.org/W95-0107; Tjong Kim Sang and Veenstra 1999,
    https://aclanthology.org/E99-1023, section 2.
    """
    converted: list[str] = []
    before, open_type = "O", None
    for tag in tags:
        letter, _, type_ = tag.partition("-")
        if tag == "O":
            converted.append("O")
            open_type = None
        else:
            begins = letter in "BSU" or type_ != open_type or before in "ESLU"
            converted.append(("B-" if begins else "I-") + type_)
            open_type = type_
        before = letter
    return converted


def _from_records(records: Records, rows: Rows, recipe: Recipe) -> list[Tagged]:
    text = recipe.text_column or ("tokens" if "tokens" in records.columns else "words")
    label = recipe.label_column or next(
        (c for c in ("ner_tags", "tags", "labels", "ner") if c in records.columns), "ner_tags"
    )
    for name in (text, label):
        if name not in records.columns:
            listed = ", ".join(records.columns)
            raise DataError(records.name, f"has no column {name!r}; its columns are {listed}")
    found = []
    for row, record in enumerate(records, start=1):
        tokens, tags = record[text], record[label]
        if not tokens or len(tokens) != len(tags) or None in tags:
            rows.bad(records.name, "does not have one tag per token", row)
        elif strange := [tag for tag in tags if not TAG.fullmatch(str(tag))]:
            rows.bad(records.name, f"has the tag {strange[0]!r}; a tag is O, or B-, I-TYPE", row)
        else:
            found.append(Tagged(list(tokens), to_iob2(list(tags)), f"{records.name}:{row}"))
    return found
