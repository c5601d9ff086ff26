"""What is said in a recording, by the best path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from recurra.codecs.sounds import opened, wanted
from recurra.codecs.speech import Speech, Transcript
from recurra.codecs.streams.speech import Transcribing
from recurra.decoding.best_path import BestPath, Emission, align, total
from recurra.errors import InputError
from recurra.runtime.batches import collect, lengths, log_softmax, pad
from recurra.runtime.live import Live
from recurra.runtime.options import Listening
from recurra.runtime.tasks.base import Task
from recurra.training.recipe import Recipe

if TYPE_CHECKING:
    from recurra.runtime.model import Exported


class SpeechRecognition(Task):
    """The transcript of each recording."""

    recipe: ClassVar[type[Recipe]] = Listening

    def live(self, recipe: Any) -> Live:
        """Return a session that takes samples, full scale 1, at the model's rate.

        Raises:
            RecurraError: this model waits for the end of its input.
        """
        return Live(self.begun(), Transcribing(self.speech), lambda scores: scores.argmax(-1))

    def __init__(self, graphs: Exported, files: Mapping[str, str]) -> None:
        super().__init__(graphs, files)
        self.speech = Speech.from_files(files)

    def predict(self, inputs: Sequence[Any], recipe: Any) -> list[Transcript]:
        """Return what is said in each recording: a file, or samples and their rate.

        Raises:
            RecurraError: a recording cannot be read, or a beam is asked for.
        """
        if recipe.beam != 1:
            raise InputError(f"beam is {recipe.beam}; an exported model writes by the best path: 1")
        read = wanted(recipe, cut=False)
        rows = [opened(one, i, read) for i, one in enumerate(inputs, 1)]
        frames = [self.speech.numbers(row) for row in rows]
        found = collect(frames, self._heard, recipe.batch_size)
        late = self.graphs.graphs.get("step", {"delay": 0})["delay"]
        return [
            self.speech.heard(
                emissions,
                logp,
                len(row),
                late,
                str(one) if isinstance(one, str | Path) else "array",
            )
            for one, row, (emissions, logp) in zip(inputs, rows, found, strict=True)
        ]

    def _heard(self, rows: list[Any]) -> list[tuple[list[Emission], float]]:
        """Return where each symbol of each row is heard, and log p of all of them."""
        scores = self.graphs.run("sequence", x=pad(rows), lengths=lengths(rows))["scores"]
        found = []
        for row, logp in zip(rows, log_softmax(scores), strict=True):
            path, logp = BestPath(), logp[: len(row)]
            path.push(logp)
            found.append((align(logp, path.symbols), total(logp, path.symbols)))
        return found
