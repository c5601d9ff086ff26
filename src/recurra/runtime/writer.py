"""What an exported model writes: from what its encoder has read, or after a prompt."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from recurra.runtime.chance import Chance
from recurra.runtime.search import Arrays, Bounds, Way, Written, beam, greedy, sample, search

if TYPE_CHECKING:
    from recurra.runtime.model import Exported

ROWS = 64  # that are written at once
T = TypeVar("T")


def write(
    graphs: Exported, state: Arrays, begin: NDArray[np.int64], way: Way, bounds: Bounds
) -> Generator[int, None, list[Written]]:
    """Yield what is written of the first row, and return that of each; arguments as of `search`."""

    def advance(token: NDArray[np.int64], state: Arrays) -> tuple[NDArray[Any], Arrays]:
        found = graphs.run("step", token=token, **state)
        logits = found.pop("logits")
        return logits, {name.removesuffix("_next"): one for name, one in found.items()}

    return search(advance, state, begin, way, bounds)


def searched(
    graphs: Exported, sources: Sequence[Arrays], recipe: Any, start: int, bounds: Bounds
) -> Generator[int, None, list[Written]]:
    """Return what is written of each source: the best, or with a beam of 0 a draw.

    Args:
        graphs: with an encoder and a step.
        sources: what the encoder reads, for so many rows at once.
        recipe: its `beam` decides; a beam takes its length_penalty, a draw its seed, temperature,
            top_k and top_p.
        start: the token that stands before the first.
        bounds: of what is written.
    """
    chance, found = Chance(recipe.seed), list[Written]()
    for source in sources:
        begin = np.full(len(source["source"]), start, np.int64)
        how = way(recipe, chance, len(begin), bounds)
        found += yield from write(graphs, graphs.run("encoder", **source), begin, how, bounds)
    return found


def way(recipe: Any, chance: Chance, rows: int, bounds: Bounds) -> Way:
    """Return how a recipe writes so many rows."""
    width = getattr(recipe, "beam", 0)  # what has no beam is drawn
    if width == 0:
        drawn = recipe.temperature, recipe.top_k, recipe.top_p
        return sample(chance, rows, bounds.most, *drawn)
    return greedy() if width == 1 else beam(width, recipe.length_penalty)


def whole(writing: Generator[Any, None, T]) -> T:
    """Return what is written when it is whole."""
    while True:
        try:
            next(writing)
        except StopIteration as done:
            found: T = done.value
            return found
