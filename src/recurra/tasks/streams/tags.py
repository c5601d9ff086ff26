"""Words that come, and the tag of each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recurra.data.habit import CLOSED
from recurra.data.readers.conll import Tagged
from recurra.errors import RecurraError
from recurra.tasks.codecs.tags import TagCodec
from recurra.tasks.codecs.text import LONGEST_TEXT
from recurra.tasks.streams import text
from recurra.tasks.streams.causal import checked
from recurra.tasks.streams.streamed import Memory
from recurra.topologies import CRF, ManyToManyEqual

Numbers = NDArray[np.int64]


class Tags:
    """The tag of each word, as soon as it can be known.

    A CRF tags a sentence as a whole; what is told of a word is the tag that it would have if the
    sentence ended there: the last one of the best path so far.

    A text is cut into words as `predict` cuts it; whether a full stop belongs to a word is known
    when the next one begins. A list of words is taken as it is.

    Args:
        network: that reads words one way.
        codec: its own.
    Raises:
        RecurraError: it waits for the end of a sentence or document.
    """

    unit: str = "word"
    says: str = "tag"
    seconds: float | None = None

    def __init__(self, network: ManyToManyEqual, codec: TagCodec) -> None:
        if codec.documents:
            raise RecurraError(
                "this model reads a word with all its other places in the document, and waits for "
                "its end; train one with --context sentence"
            )
        self.layer, self.embed, self.scores = checked(network.body), network.embed, network.head
        self.codec = replace(codec, max_length=LONGEST_TEXT)
        self.path = Path(network.output) if isinstance(network.output, CRF) else None

    def begin(self) -> Memory:
        """Return the memory of a sentence of which nothing is known."""
        return {"step": 0, "waiting": "", "half": 0, "words": [], "best": np.zeros(0, np.float32)}

    def read(self, memory: Memory, given: Any) -> Numbers:
        """Return the words that are whole now."""
        if isinstance(given, list):
            words = self.codec.cut(memory["waiting"]) + [_word(one) for one in given]
            text.left(memory)
        else:
            whole, half = text.taken(memory, given)
            stop = self._certain(whole)
            text.keep(memory, whole[stop:], half)
            words = self.codec.cut(whole)
            # what waits is cut along, since it may decide how the word before it is
            words = words[: len(words) - len(self.codec.cut(whole[stop:]))]
        return self._encoded(memory, words)

    def rest(self, memory: Memory) -> Numbers:
        """Return the words that waited for what would follow them."""
        return self._encoded(memory, self.codec.cut(text.left(memory)))

    def head(self, y: Tensor) -> Tensor:
        """Return each word's likeliest tag; for a CRF, the scores."""
        scores: Tensor = self.scores(y)
        return scores if self.path else scores.argmax(-1)

    def say(self, memory: Memory, scores: NDArray[Any]) -> list[dict[str, Any]]:
        """Return step, word and tag of each."""
        tags = scores.tolist() if self.path is None else self.path.go(memory, scores)
        words, memory["words"] = memory["words"][: len(tags)], memory["words"][len(tags) :]
        answers = [
            {"step": step, "word": word, "tag": self.codec.tags[tag]}
            for step, (word, tag) in enumerate(zip(words, tags, strict=True), memory["step"] + 1)
        ]
        memory["step"] += len(answers)
        return answers

    def _certain(self, whole: str) -> int:
        """Return up to where no more text changes how it is cut."""
        if self.codec.habit is None:
            return text.last_part(whole)
        parts = [one for one in text.PARTS.finditer(whole) if not CLOSED.fullmatch(one.group())]
        return parts[-1].start() if parts else 0

    def _encoded(self, memory: Memory, words: list[str]) -> Numbers:
        starts = () if memory["step"] or memory["words"] else (0,)
        sentence = Tagged(words, ["O"] * len(words), "", starts)
        memory["words"] = memory["words"] + words
        found: Numbers = self.codec.encode(sentence)[0].long().numpy()
        return found


class Path:
    """The best path of a CRF so far: how good the best one is that ends in each tag.

    Args:
        output: the CRF.
    """

    def __init__(self, output: CRF) -> None:
        with torch.no_grad():
            self.start, self.moves, self.end = (part.cpu().numpy() for part in output.constrained())

    def go(self, memory: Memory, scores: NDArray[Any]) -> list[int]:
        """Take the scores of the next steps; return the tag in which the path ends at each."""
        best, found = memory["best"], []
        for score in scores:
            before = (best[:, None] + self.moves).max(0) if len(best) else self.start
            best = before + score
            best = best - best.max()  # what counts is the difference, and it stays small
            found.append(int((best + self.end).argmax()))
        memory["best"] = best
        return found


def _word(given: Any) -> str:
    if not isinstance(given, str) or not given.strip() or len(given) > text.LONGEST_WAIT:
        kind = f"a {type(given).__name__}" if not isinstance(given, str) else "empty or too long"
        raise RecurraError(f"a word of a frame is {kind}; give a list of words")
    try:
        given.encode()
    except UnicodeEncodeError as error:
        raise RecurraError(f"a word holds half a character: {error.reason}") from error
    return given
