"""Where a model looked while it wrote."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recurra.reports.drawings import heat, svg
from recurra.reports.pictures import address, smaller
from recurra.reports.text import told

SIDE, TOKEN, SHOWN = 40, 10, 24  # tokens of a map each way, characters of one, words of a picture
TILE = 96  # width of a small picture
LOPSIDED = 1.5  # a grid's proportions differ from its picture's by less


@dataclass(frozen=True)
class Heat:
    """A map of words: a row for each one written, a column for each one read.

    Args:
        weights: a row for each token written; each row sums to at most 1.
        sources: tokens read.
        targets: tokens written.
    """

    weights: Sequence[Sequence[float]]
    sources: Sequence[str]
    targets: Sequence[str]

    def html(self) -> str:
        """Return the map; of a large one, the beginning."""
        sources, targets = ([t[:TOKEN] for t in s[:SIDE]] for s in (self.sources, self.targets))
        drawn = heat([row[:SIDE] for row in self.weights[:SIDE]], sources, targets)
        cut = max(len(self.sources), len(self.targets)) > SIDE
        sizes = f"{len(self.targets):,} tokens written, {len(self.sources):,} read"
        said = f'<div class="dim">The first {SIDE} of each; {sizes}.</div>' if cut else ""
        return f'<div class="wide">{drawn}</div>{said}'


@dataclass(frozen=True, eq=False)
class Looked:
    """A picture with where each word looked.

    Args:
        image: [height width channels].
        words: that were written.
        grids: for each word, [rows columns] of weights over the picture.
    """

    image: NDArray[Any]
    words: Sequence[str]
    grids: Sequence[NDArray[Any]]

    @classmethod
    def of(cls, image: NDArray[Any], words: Sequence[str], weights: NDArray[Any]) -> Looked | None:
        """Return it of weights [words positions]; None where positions are no grid of places."""
        grids = [as_grid(one, *image.shape[:2]) for one in weights]
        found = [grid for grid in grids if grid is not None]
        return cls(image, words, found) if len(found) == len(words) > 0 else None

    def html(self) -> str:
        """Return the picture once for each word; what was not looked at is dark."""
        image = smaller(self.image)
        height = max(1, round(TILE * image.shape[0] / image.shape[1]))
        source = address(image)
        name = f"p{zlib.crc32(source.encode()):08x}"
        size = f'width="{TILE}" height="{height}"'
        pixels = f'<image id="{name}" {size} preserveAspectRatio="none" href="{source}"/>'
        shown = []
        for number, (word, grid) in enumerate(zip(self.words[:SHOWN], self.grids, strict=False)):
            # the picture is in the page once, and used again by its name
            what = pixels if number == 0 else f'<use href="#{name}"/>'
            drawn = svg(TILE, height, word) + what + veil(grid, TILE, height) + "</svg>"
            shown.append(f"<figure>{drawn}<figcaption>{told(word, 30)}</figcaption></figure>")
        return f'<div class="row">{"".join(shown)}</div>'


def veil(grid: NDArray[Any], width: int, height: int) -> str:
    """Return rectangles over a picture, the darker the less its place was looked at."""
    rows, columns = grid.shape
    most = max(float(grid.max()), 1e-9)
    across, down = width / columns, height / rows
    parts = []
    for row in range(rows):
        for column in range(columns):
            dark = 0.85 * (1 - float(grid[row, column]) / most)
            parts.append(
                f'<rect x="{column * across:.1f}" y="{row * down:.1f}" width="{across:.1f}" '
                f'height="{down:.1f}" fill-opacity="{dark:.2f}"/>'
            )
    return "".join(parts)


def as_grid(weights: NDArray[Any], height: int, width: int) -> NDArray[Any] | None:
    """Return the weights of a picture's positions as rows and columns, or None where none fit.

    Args:
        weights: [positions]; one that a network keeps for the whole picture may come first.
        height: of the picture, and `width`: the grid has these proportions.
    """
    for lead in (0, 1):
        count = max(len(weights) - lead, 0)
        near = round(math.sqrt(count * height / width))
        for rows in (near, near - 1, near + 1):
            if rows < 1 or count < rows or count % rows:
                continue
            columns = count // rows
            if 1 / LOPSIDED < (columns / rows) * (height / width) < LOPSIDED:
                return np.asarray(weights[lead:]).reshape(rows, columns)
    return None
