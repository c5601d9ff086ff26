"""What is learned from beside the rows as they are."""

from __future__ import annotations

from dataclasses import dataclass

from recurra.training.recipe import Recipe
from recurra.training.values import DEPTH, PART, SHARE, option


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
class Together(Recipe):
    """Several networks may answer together."""

    members: int = option(
        "model", 1, "networks that are drawn apart and answer together, by the mean", DEPTH
    )
