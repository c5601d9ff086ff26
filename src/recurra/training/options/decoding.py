"""How outputs are found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from recurra.training.recipe import Recipe
from recurra.training.values import AMOUNT, COUNT, NAME, NUCLEUS, POSITIVE, SIZE, option


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
    length_penalty: float = option(
        "decoding",
        0.0,
        "α: a beam ranks answers of n tokens by log probability / ((5 + n) / 6)^α; 0: as it is",
        AMOUNT,
    )
    no_repeat: int = option(
        "decoding", 0, "no passage of so many tokens is written twice; 0: any may be", COUNT
    )


@dataclass(frozen=True, kw_only=True)
class Listened(Recipe):
    """What is heard step by step is written down by CTC."""

    beam: int = option(
        "decoding", 1, "beginnings kept by the prefix beam search; 1: the best path", SIZE
    )
    lm: str | None = option(
        "decoding", None, "folder of a language_model that the beam search asks, too", NAME
    )
    lm_weight: float = option(
        "decoding", 0.5, "how much the language model's log probability counts", AMOUNT
    )
    word_bonus: float = option("decoding", 0.0, "added to the score for each word", AMOUNT)


@dataclass(frozen=True, kw_only=True)
class Alarmed(Recipe):
    """Steps are told that are unusual."""

    steps: Literal["rows", "regular"] = option(
        "data", "rows", "each row is a step, whatever its time; or times a regular step apart"
    )
    surprise: Literal["error", "likelihood"] = option(
        "decoding",
        "error",
        "what is unusual: how far off a forecast is, or how unlikely it made it",
    )
    smooth: float = option("decoding", 5.0, "half-life of the latest errors, in steps", POSITIVE)
    memory: float = option("decoding", 150.0, "half-life of usual errors, in steps", POSITIVE)
    level: float = option(
        "decoding", 3000.0, "half-life of usual values, in steps; 0: errors alone decide", AMOUNT
    )
    rest: int = option("decoding", 150, "steps of calm that end an alarm", COUNT)
    threshold: float | None = option(
        "decoding", None, "score from which a step is an alarm; none: as found in training", NUCLEUS
    )


@dataclass(frozen=True, kw_only=True)
class Drawn(Recipe):
    """What comes is drawn, path by path."""

    samples: int = option(
        "decoding", 100, "paths that a recursive forecast draws for its quantiles", SIZE
    )


@dataclass(frozen=True, kw_only=True)
class Continued(Recipe):
    """What was begun goes on, drawn step by step."""

    length: int = option("decoding", 16, "steps that a piece is continued by", SIZE)
    temperature: float = option(
        "decoding", 1.0, "sampling temperature; 0: always the likeliest", AMOUNT
    )
