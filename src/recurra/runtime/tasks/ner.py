"""A tag for every word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from recurra.codecs.tagged import TagPrediction, Tags, spans
from recurra.runtime.batches import collect, lengths, pad
from recurra.runtime.tasks.base import Task

if TYPE_CHECKING:
    from recurra.runtime.model import Exported


class Ner(Task):
    """Tags and entities of each sentence."""

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
