"""Tagged sentences: a row for each token, in CoNLL columns or CSV, and what parts sentences."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import accumulate, chain
from pathlib import Path
from typing import Any, NamedTuple

from recurra.data.readers.cells import TAG, Line, cut_lines
from recurra.data.readers.detection import find_layout
from recurra.data.readers.hf import Records
from recurra.data.readers.layout import Layout, opens_document, wrong_tag
from recurra.data.readers.objects import form_of, json_lines, json_whole
from recurra.data.readers.source import Format, read_parts
from recurra.data.readers.text import Rows
from recurra.data.splits import Splits
from recurra.errors import DataError
from recurra.training.options import TaggedTable

NOT_DATA = (".md", ".zip", ".json", ".toml", ".pdf")
LISTS_OF_TAGS = ("ner_tags", "tags", "labels", "ner")
NAMES = "; if this row names the columns, give --tag-column by its name"
LONGEST = 250  # tokens of a file that nothing parts into sentences


class Tagged(NamedTuple):
    """A sentence, or several of one document, with one IOB2 tag per token.

    starts: the tokens that begin a sentence.
    """

    tokens: list[str]
    tags: list[str]
    where: str
    starts: tuple[int, ...] = (0,)


class Token(NamedTuple):
    """One row of a file; `opens`: it is the first of a document."""

    text: str
    tag: str
    row: int
    opens: bool = False


def read(recipe: TaggedTable, longest: int = 0) -> Splits[Tagged]:
    """Return the tagged sentences of `recipe.data`, in three parts, their tags in IOB2.

    Args:
        recipe: where the data are.
        longest: tokens of the sentences that are joined, at most, where a file says what document
            they are of; 0: none are.
    Raises:
        DataError: a file or row cannot be used.
    """
    return read_parts(
        recipe,
        Format(
            read=partial(read_file, recipe=recipe, longest=longest),
            accepts=lambda path: path.is_file() and path.suffix.lower() not in NOT_DATA,
            content=lambda example: "\n".join(example.tokens),
            labels=lambda example: [tag[2:] for tag in example.tags if tag != "O"],
            least=1,
            records=partial(_from_records, recipe=recipe),
        ),
    )


def read_file(
    path: str | Path, rows: Rows, recipe: TaggedTable | None = None, longest: int = 0
) -> list[Tagged]:
    """Return the tagged sentences of one file. A sentence with a bad row is left out.

    Args:
        path: the file: CoNLL columns, parted by tabs or blanks, CSV, or JSON with lists.
        rows: what bad rows, and what was assumed, are told to.
        recipe: names columns, where they are not to be detected.
        longest: see `read`.
    Raises:
        DataError: the file cannot be used, or one of its rows and `rows` does not skip.
    """
    path = Path(path)
    recipe = recipe or TaggedTable()
    if form := form_of(path, rows):
        return _from_json(path, form, rows, recipe)
    lines, is_csv = cut_lines(path, rows)
    layout = find_layout(path, lines, recipe)
    if layout.told:
        rows.note(path, layout.told)
    sentences = list(_sentences(path, lines, layout, rows))
    if not sentences:
        raise DataError(path, "holds no sentences")
    if len(sentences) == 1 and layout.sentence is None:
        _check_parted(path, len(sentences[0]), is_csv=is_csv, ended=lines[-1].cells == [])
    tagged = [
        Tagged([t.text for t in sentence], to_iob2([t.tag for t in sentence]), _at(path, sentence))
        for sentence in sentences
    ]
    opens = [any(token.opens for token in sentence) for sentence in sentences]
    if not longest or not any(opens):
        return tagged
    found = joined(tagged, opens, longest)
    rows.note(
        path,
        f"{len(tagged):,} sentences in {sum(opens):,} documents, read as {len(found):,} passages "
        f"of up to {longest} words (--context sentence: each alone)",
    )
    return found


def joined(sentences: Sequence[Tagged], opens: Sequence[bool], longest: int) -> list[Tagged]:
    """Return passages: sentences of one document, as many as have `longest` tokens at most.

    Args:
        sentences: in their order.
        opens: whether each is the first of a document.
        longest: tokens of a passage; a sentence that has more is one on its own.
    """
    passages: list[list[Tagged]] = []
    size = 0
    for sentence, first in zip(sentences, opens, strict=True):
        if first or not passages or size + len(sentence.tokens) > longest:
            passages.append([])
            size = 0
        passages[-1].append(sentence)
        size += len(sentence.tokens)
    return [one(passage) for passage in passages]


def one(passage: Sequence[Tagged]) -> Tagged:
    """Return sentences of one document as one row."""
    sizes = [len(sentence.tokens) for sentence in passage]
    return Tagged(
        [token for sentence in passage for token in sentence.tokens],
        [tag for sentence in passage for tag in sentence.tags],
        passage[0].where,
        tuple(accumulate(sizes[:-1], initial=0)),
    )


def _at(path: Path, sentence: list[Token]) -> str:
    return f"{path}:{sentence[0].row}"


def _check_parted(path: Path, length: int, *, is_csv: bool, ended: bool) -> None:
    if length > LONGEST or (is_csv and length > 1 and not ended):
        raise DataError(
            path,
            f"holds one sentence of {length:,} tokens: no blank line parts sentences, and no "
            "column was found that does; --sentence-column names one",
        )


def _sentences(
    path: Path, lines: Sequence[Line], layout: Layout, rows: Rows
) -> Iterator[list[Token]]:
    sentence: list[Token] = []
    spoilt = doubt = False  # one bad row spoils its sentence, and is told once
    opens = layout.document is not None
    before: list[str] | None = None
    for row, cells in lines:
        if row == layout.header:
            continue
        if cells and layout.comments(cells, inside=bool(sentence) or spoilt):
            continue
        between = cells is not None and (not cells or opens_document(cells))
        if between or layout.begins(cells, before):
            if sentence and not spoilt:
                yield sentence
                opens = False
            opens |= layout.opens(cells, before)
            # A bad row just before may have been this sentence's first.
            sentence, spoilt = [], doubt and not between
        if between or layout.passes_over(cells):
            continue
        fault = _fault(cells, layout) if cells else ""
        doubt = fault is not None
        if cells and fault is None:
            sentence.append(Token(cells[layout.token], cells[layout.tag], row, opens))
            before = layout.carried(cells, before)
        elif fault and not spoilt:
            rows.bad(path, fault + NAMES * (row == layout.first), row)
        spoilt |= doubt
    if sentence and not spoilt:
        yield sentence


def _fault(cells: list[str], layout: Layout) -> str | None:
    if len(cells) != layout.width:
        return f"has {len(cells)} columns where {layout.width} are expected"
    if not cells[layout.token]:
        return "has no token"
    if not TAG.fullmatch(cells[layout.tag]):
        return wrong_tag(cells[layout.tag])
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


def _from_records(records: Records, rows: Rows, recipe: TaggedTable) -> list[Tagged]:
    return _from_lists(records.name, records.columns, enumerate(records, start=1), rows, recipe)


def _from_json(path: Path, form: str, rows: Rows, recipe: TaggedTable) -> list[Tagged]:
    found = json_lines(path, rows) if form == "JSON lines" else json_whole(path, rows)
    first = next(found, None)
    if first is None:
        raise DataError(path, "holds no sentences")
    columns = [str(key) for key in first[1]]
    return _from_lists(str(path), columns, chain([first], found), rows, recipe)


def _from_lists(
    source: str,
    columns: list[str],
    numbered: Iterable[tuple[int, dict[str, Any]]],
    rows: Rows,
    recipe: TaggedTable,
) -> list[Tagged]:
    """Return the sentences of rows that hold a list of tokens and a list of tags."""
    names = {
        "token_column": next((c for c in ("tokens", "words") if c in columns), "words"),
        "tag_column": next((c for c in LISTS_OF_TAGS if c in columns), LISTS_OF_TAGS[0]),
    }
    for field, usual in names.items():
        name = getattr(recipe, field) or usual
        if name not in columns and name.isdecimal() and 1 <= int(name) <= len(columns):
            name = columns[int(name) - 1]
        if name not in columns:
            raise DataError(source, f"has no column {name!r}; its columns are {', '.join(columns)}")
        names[field] = name
    text, label = names.values()
    found = []
    for row, record in numbered:
        tokens, tags = (v if isinstance(v := record.get(c), list) else [] for c in (text, label))
        if not tokens or len(tokens) != len(tags) or None in tags:
            rows.bad(source, "does not have one tag per token", row)
        elif not all(isinstance(token, str) and token.strip(" ") for token in tokens):
            rows.bad(source, f"has a token that is no text or empty in {text!r}", row)
        elif strange := [tag for tag in tags if not TAG.fullmatch(str(tag))]:
            rows.bad(source, wrong_tag(strange[0]), row)
        else:
            found.append(Tagged(list(tokens), to_iob2(list(tags)), f"{source}:{row}"))
    return found
