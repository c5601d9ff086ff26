"""What the rows of files are: whose columns, of which encoding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from recurra.training.recipe import Recipe
from recurra.training.values import DATES, DECIMAL, NAME, PORTION, SIZE, TEXT, option


def column(what: str) -> Any:
    """Return the option that names a column."""
    text = f"column of the {what}, by name or number; none: detected"
    return option("data", None, text, NAME)


@dataclass(frozen=True, kw_only=True)
class Encoded(Recipe):
    """Text files are read, of some encoding."""

    encoding: str | None = option("data", None, "encoding of text files; none: detected", TEXT)


@dataclass(frozen=True, kw_only=True)
class Words(Encoded):
    """Texts are made of words or pieces of words."""

    vocabulary: int = option(
        "data", 8000, "most entries that the vocabulary or tokenizer may have", SIZE
    )


@dataclass(frozen=True, kw_only=True)
class TextTable(Encoded):
    """Rows of a text and its label."""

    text_column: str | None = column("text")
    label_column: str | None = column("label")


@dataclass(frozen=True, kw_only=True)
class SoundTable(Encoded):
    """Rows of a sound's path and its label."""

    path_column: str | None = column("sounds' paths")
    label_column: str | None = column("label")


@dataclass(frozen=True, kw_only=True)
class CaptionTable(Encoded):
    """Rows of a picture and a text."""

    image_column: str | None = column("pictures' paths")
    text_column: str | None = column("text")


@dataclass(frozen=True, kw_only=True)
class TaggedTable(Encoded):
    """Rows of a token and its tag."""

    token_column: str | None = column("tokens")
    tag_column: str | None = column("tags")
    sentence_column: str | None = option(
        "data", None, "column that numbers a tagged file's sentences; none: detected", NAME
    )
    context: Literal["document", "sentence"] = option(
        "data", "document", "what is read at once: a document, where files mark them, or a sentence"
    )


@dataclass(frozen=True, kw_only=True)
class PairTable(Encoded):
    """Rows of two texts."""

    source: str | None = option("data", None, "source language or column; none: detected", NAME)
    target: str | None = option("data", None, "target language or column; none: detected", NAME)


@dataclass(frozen=True, kw_only=True)
class RunningText(Encoded):
    """Texts without labels, read from beginning to end."""

    text_column: str | None = option(
        "data", None, "key of the text in JSON rows; none: detected", NAME
    )
    valid_share: float = option(
        "data", 0.05, "share of the text, before the test's, that validates", PORTION
    )
    test_share: float = option("data", 0.05, "share of the text, its end, that tests", PORTION)


@dataclass(frozen=True, kw_only=True)
class SignalTable(Encoded):
    """Rows of series, or of their steps, with labels."""

    time_column: str | None = column("time")
    value_columns: str | None = option(
        "data", None, "columns of the values, by name or number: a,b,c; none: detected", NAME
    )
    series_column: str | None = option(
        "data", None, "column that says which series a row is of; none: detected", NAME
    )
    label_column: str | None = column("label")
    layout: Literal["auto", "wide", "long"] = option(
        "data", "auto", "what a row of a table is: a series (wide), or a step of one (long)"
    )
    labels: Literal["auto", "series", "step"] = option(
        "data", "auto", "what a label is of; auto: of a step where it changes within a series"
    )


@dataclass(frozen=True, kw_only=True)
class SeriesTable(Encoded):
    """Rows of a time and numbers."""

    time_column: str | None = option(
        "data",
        None,
        "column of the time, by name or number, or two: date,hour; none: detected",
        NAME,
    )
    value_columns: str | None = option(
        "data", None, "columns of the numbers: a,b,c; none: all that hold numbers", NAME
    )
    series_column: str | None = option(
        "data", None, "column that says which series a row is of; none: detected", NAME
    )
    date_order: str | None = option(
        "data", None, "of 03/04/2016: dmy, mdy or ymd; none: told by all rows", DATES
    )
    decimal: str | None = option(
        "data", None, "what stands before decimals: point or comma; none: detected", DECIMAL
    )


@dataclass(frozen=True, kw_only=True)
class Transcripts(Words):
    """Rows of a recording and what is said in it."""

    path_column: str | None = column("recordings' paths")
    text_column: str | None = column("text")
