"""Speech that is heard: what is new of its text, and in which step."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray
from torch import Tensor, nn

from recurra.codecs.units import PIECE
from recurra.data.vocabulary import END, PAD, START
from recurra.layers import Layer, Pointwise, Stack
from recurra.tasks.codecs.speech import SpeechCodec
from recurra.tasks.streams import samples
from recurra.tasks.streams.causal import checked
from recurra.tasks.streams.streamed import Memory
from recurra.topologies import CTC
from recurra.topologies.ctc import BLANK

UNFINISHED = "\ufffd"  # ends what bytes spell, as long as a character lacks some
LONGEST = 4  # bytes of a character


class Speech:
    """What is new of a transcript, by the best path: the likeliest symbol of each step.

    All that is told, one behind another, is the text that `predict` writes with a beam of 1.

    Args:
        network: that hears one way.
        codec: its own.
    Raises:
        RecurraError: it waits for the end of a recording.
    """

    unit: str = "sample"
    says: str = "text"

    def __init__(self, network: CTC, codec: SpeechCodec) -> None:
        body, heard = checked(network.body), network.front.output_size
        self.layer: Layer = Stack(
            network.front, Pointwise(network.embed, heard, body.input_size), body
        )
        self.embed, self.scores = nn.Identity(), network.head
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

    def head(self, y: Tensor) -> Tensor:
        """Return each step's likeliest symbol."""
        symbols: Tensor = self.scores(y).argmax(-1)
        return symbols

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
