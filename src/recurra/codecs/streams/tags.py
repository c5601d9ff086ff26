"""Words that come, as numbers, and the tag of each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recurra.codecs.streams import Memory, text
from recurra.codecs.tagged import Tags
from recurra.codecs.texts import LONGEST_TEXT
from recurra.data.habit import CLOSED
from recurra.data.readers.conll import Tagged
from recurra.errors import RecurraError

Numbers = NDArray[np.int64]
Scores = NDArray[np.floating[Any]]


class Tagging:
    """The tag of each word, as soon as it can be known.

    A CRF tags a sentence as a whole; what is told of a word is the tag that it would have if the
    sentence ended there: the last one of the best path so far.

    A text is cut into words as `predict` cuts it; whether a full stop belongs to a word is known
    when the next one begins. A list of words is taken as it is.

    Args:
        codec: of the model.
        path: of a CRF; None: each word has its likeliest tag.
    Raises:
        RecurraError: the model waits for the end of a document.
    """

    unit: str = "word"
    says: str = "tag"
    seconds: float | None = None

    def __init__(self, codec: Tags, path: Path | None) -> None:
        if codec.documents:
            raise RecurraError(
                "this model reads a word with all its other places in the document, and waits for "
                "its end; train one with --context sentence"
            )
        self.codec, self.path = replace(codec, max_length=LONGEST_TEXT), path

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
        found: Numbers = self.codec.numbers(sentence)
        return found


class Path:
    """The best path of a CRF so far: how good the best one is that ends in each tag.

    Args:
        start: score of beginning with a tag [tags].
        moves: of going from one to another [tags tags].
        end: of ending with one [tags].
    """

    def __init__(self, start: Scores, moves: Scores, end: Scores) -> None:
        self.start, self.moves, self.end = start, moves, end

    def asdict(self) -> dict[str, Any]:
        """Return start, moves and end as lists."""
        return {name: part.tolist() for name, part in vars(self).items()}

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
