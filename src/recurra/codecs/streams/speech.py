"""Speech that comes, as frames, and what is new of its text."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from recurra.codecs.speech import Speech
from recurra.codecs.streams import Memory, samples
from recurra.codecs.units import PIECE
from recurra.data.vocabulary import END, PAD, START
from recurra.decoding.best_path import BLANK

UNFINISHED = "\ufffd"  # ends what bytes spell, as long as a character lacks some
LONGEST = 4  # bytes of a character


class Transcribing:
    """What is new of a transcript, by the best path: the likeliest symbol of each step.

    All that is told, one behind another, is the text that `predict` writes with a beam of 1.

    Args:
        codec: of the model.
    """

    unit: str = "sample"
    says: str = "text"

    def __init__(self, codec: Speech) -> None:
        self.units, self.frame = codec.units, codec.frame
        self.names = codec.units.names
        self.seconds: float | None = codec.seconds

    def begin(self) -> Memory:
        """Return the memory of silence."""
        told = {"last": BLANK, "told": False, "apart": False, "bytes": []}
        return {"step": 0, "samples": samples.SILENCE, **told}

    def read(self, memory: Memory, given: Any) -> samples.Frames:
        """Return the frames that are whole now."""
        return samples.read(memory, given, self.frame)

    def rest(self, memory: Memory) -> samples.Frames:
        """Return the last frame."""
        return samples.rest(memory, self.frame)

    def say(self, memory: Memory, scores: NDArray[Any]) -> list[dict[str, Any]]:
        """Return step and text where a symbol adds to it."""
        answers = []
        for symbol in scores.tolist():
            memory["step"] += 1
            new, memory["last"] = symbol not in (BLANK, memory["last"]), symbol
            if new and (text := self._written(memory, symbol)):
                answers.append({"step": memory["step"], "text": text})
        return answers

    def _written(self, memory: Memory, symbol: int) -> str:
        """Return what a symbol adds: a blank first, where it begins another word."""
        if symbol in (PAD, START, END):
            return ""
        name = self.names[symbol]
        if self.units.kind == "characters" and name.isspace():
            memory["apart"] = True
            return ""
        begins = self.units.kind == "words" or (
            self.units.kind == "subwords" and name.startswith(PIECE)
        )
        if begins:
            memory["apart"], memory["bytes"] = True, []
        spelled = [*memory["bytes"], symbol]
        text = self.units.decode(spelled)
        if text.endswith(UNFINISHED) and len(spelled) < LONGEST:
            memory["bytes"] = spelled
            return ""
        memory["bytes"] = []
        if not text:
            return ""
        blank = " " if memory["apart"] and memory["told"] else ""
        memory["told"], memory["apart"] = True, False
        return blank + text
