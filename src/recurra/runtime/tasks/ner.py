"""A tag for every word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from recurra.codecs.streams.tags import Path, Tagging
from recurra.codecs.tagged import TagPrediction, Tags, spans
from recurra.errors import BundleError
from recurra.runtime.batches import collect, lengths, pad
from recurra.runtime.live import Live
from recurra.runtime.tasks.base import Task

if TYPE_CHECKING:
    from recurra.runtime.model import Exported


class Ner(Task):
    """Tags and entities of each sentence."""

    def live(self, recipe: Any) -> Live:
        """Return a session that takes text, or lists of words.

        Raises:
            RecurraError: this model waits for the end of its input.
        """
        graphs = self.graphs.graphs
        if "best_path" in graphs:
            return Live(self.begun(), Tagging(self.tags, self._path()), lambda scores: scores)
        return Live(self.begun(), Tagging(self.tags, None), lambda scores: scores.argmax(-1))

    def _path(self) -> Path:
        """Return the best path of the CRF, which has no step yet.

        Raises:
            BundleError: export.json has none, or another than the tags need.
        """
        told, size = self.graphs.described.get("path"), len(self.tags.tags)
        shapes = {"start": (size,), "moves": (size, size), "end": (size,)}
        try:
            found = {name: np.array(told[name], np.float32) for name in shapes}
        except (LookupError, TypeError, ValueError) as error:
            folder = self.graphs.folder
            raise BundleError(f"{folder} has no scores of its CRF; export it again") from error
        if any(found[name].shape != shape for name, shape in shapes.items()):
            raise BundleError(
                f"{self.graphs.folder}: the CRF is not of {size} tags; export it again"
            )
        return Path(**found)

    def __init__(self, graphs: Exported, files: Mapping[str, str]) -> None:
        super().__init__(graphs, files)
        self.tags = Tags.from_files(files)

    def predict(self, inputs: Sequence[Any], recipe: Any) -> list[TagPrediction]:
        """Return tags and entities of each sentence: a text, or a list of its words.

        Raises:
            RecurraError: an input has no words.
        """
        rows = [self.tags.read(given, i) for i, given in enumerate(inputs, 1)]
        paths = collect([self.tags.numbers(row) for row in rows], self._paths)
        found = []
        for row, path in zip(rows, paths, strict=True):
            tags = self.tags.said(path, row)
            found.append(TagPrediction(row.tokens, tags, spans(row.tokens, tags)))
        return found

    def _paths(self, rows: list[Any]) -> list[list[int]]:
        """Return the best path of each row: the likeliest tags, or those of the whole path."""
        sizes = lengths(rows)
        scores = self.graphs.run("sequence", x=pad(rows), lengths=sizes)["scores"]
        if "best_path" in self.graphs.graphs:
            best = self.graphs.run("best_path", scores=scores, lengths=sizes)["tags"]
        else:
            best = scores.argmax(-1)
        return [path[:size].tolist() for path, size in zip(best, sizes, strict=True)]
