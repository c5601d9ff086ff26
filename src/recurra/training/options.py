"""Options that several tasks share: each family is a record over the common recipe.

A task's recipe derives from those families whose options it reads. What it has not is no flag, no
key of a file and no line of its `--help`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from recurra.training.recipe import Recipe
from recurra.training.values import (
    AMOUNT,
    COUNT,
    DATES,
    DECIMAL,
    DEPTH,
    NAME,
    NUCLEUS,
    PART,
    SHARE,
    SIZE,
    TEXT,
    option,
)


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

    text_column: str | None = option(
        "data", None, "column of the text, by name or number; none: detected", NAME
    )
    label_column: str | None = option(
        "data", None, "column of the label, by name or number; none: detected", NAME
    )


@dataclass(frozen=True, kw_only=True)
class CaptionTable(Encoded):
    """Rows of a picture and a text."""

    image_column: str | None = option(
        "data", None, "column of the pictures' paths, by name or number; none: detected", NAME
    )
    text_column: str | None = option(
        "data", None, "column of the text, by name or number; none: detected", NAME
    )


@dataclass(frozen=True, kw_only=True)
class TaggedTable(Encoded):
    """Rows of a token and its tag."""

    token_column: str | None = option(
        "data", None, "column of a tagged file's tokens, by name or number; none: detected", NAME
    )
    tag_column: str | None = option(
        "data", None, "column of a tagged file's tags, by name or number; none: detected", NAME
    )
    sentence_column: str | None = option(
        "data", None, "column that numbers a tagged file's sentences; none: detected", NAME
    )


@dataclass(frozen=True, kw_only=True)
class PairTable(Encoded):
    """Rows of two texts."""

    source: str | None = option("data", None, "source language or column; none: detected", NAME)
    target: str | None = option("data", None, "target language or column; none: detected", NAME)


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
class Ahead(Recipe):
    """Numbers are foretold."""

    horizon: int | None = option(
        "model", None, "steps to foretell; none: a season, as far as the data go", SIZE
    )
    lookback: int | None = option(
        "model", None, "steps to read; none: four horizons or seasons, as far as the data go", SIZE
    )
    segment: int | None = option(
        "model", None, "steps read and written at once; none: told by horizon and strategy", SIZE
    )
    season: int | None = option(
        "model",
        None,
        "steps after which series repeat themselves; none: told by the timeline",
        SIZE,
    )
    calendar: bool = option("model", False, "tell the hour, weekday, month … of each step")
    channels: Literal["independent", "together"] = option(
        "model", "independent", "each channel alone by the same weights, or all of them at once"
    )
    norm: Literal["last", "mean", "none"] = option(
        "model", "last", "each window less its last value, on its mean and deviation, or as it is"
    )
    output: Literal["squared", "absolute", "gaussian", "student_t", "quantiles"] = option(
        "model", "quantiles", "one number by its error, a distribution, or quantiles"
    )
    strategy: Literal["direct", "recursive"] = option(
        "model", "direct", "the whole horizon at once, or segment by segment from drawn ones"
    )


@dataclass(frozen=True, kw_only=True)
class Layers(Recipe):
    """Recurrent layers."""

    engine: str | None = option(
        "model", None, "engine by name; none: the fastest that takes the cell", NAME
    )
    layers: int = option("model", 1, "recurrent layers, one on another", DEPTH)
    residual: bool = option("model", False, "pre-norm residual layers")
    variational: bool = option(
        "regularisation", False, "one dropout mask per sequence, not per step"
    )
    weight_drop: float = option("regularisation", 0.0, "dropout on recurrent weights", SHARE)


@dataclass(frozen=True, kw_only=True)
class Body(Layers):
    """Recurrent layers over a sequence as long as it comes."""

    max_length: int = option("data", 512, "longest sequence, in steps; longer ones are cut", SIZE)


@dataclass(frozen=True, kw_only=True)
class TwoWay(Body):
    """The layers may see what comes later."""

    bidirectional: bool = option("model", False, "read backward too (where the type allows it)")
    lookahead: int = option(
        "model", 0, "steps of right context a one-directional model may see", COUNT
    )


@dataclass(frozen=True, kw_only=True)
class Pooled(TwoWay):
    """A sequence is made one vector."""

    pool: Literal["last", "mean", "max", "attention"] = option(
        "model", "attention", "many-to-one pooling"
    )


@dataclass(frozen=True, kw_only=True)
class Attended(Recipe):
    """A decoder looks back at an encoder's outputs."""

    attention: Literal["additive", "multiplicative"] = option(
        "model", "additive", "decoder's attention"
    )
    input_feeding: bool = option(
        "model", False, "feed the attention's last context to the decoder's step"
    )


@dataclass(frozen=True, kw_only=True)
class Taught(Recipe):
    """A decoder is fed the right answer, or its own."""

    scheduled_sampling: float = option(
        "regularisation", 0.0, "share of own predictions fed at the last epoch", PART
    )


@dataclass(frozen=True, kw_only=True)
class WordDropout(Recipe):
    """Input tokens may be hidden."""

    word_dropout: float = option(
        "regularisation", 0.0, "share of input tokens read as unknown in training", SHARE
    )


@dataclass(frozen=True, kw_only=True)
class Classes(Recipe):
    """One class of several is right."""

    label_smoothing: float = option(
        "regularisation", 0.0, "share of probability spread over all classes", SHARE
    )


@dataclass(frozen=True, kw_only=True)
class Sampled(Recipe):
    """Outputs are drawn."""

    temperature: float = option(
        "decoding", 1.0, "sampling temperature; 0: always the likeliest", AMOUNT
    )
    top_k: int = option("decoding", 0, "sample among the k likeliest; 0: all", COUNT)
    top_p: float = option(
        "decoding", 1.0, "sample among the likeliest that sum to p; 1: all", NUCLEUS
    )


@dataclass(frozen=True, kw_only=True)
class Searched(Sampled):
    """Outputs are searched for, or drawn."""

    beam: int = option("decoding", 1, "beam width; 1: greedy; 0: sample", COUNT)
