"""English prose that comes with Python: the sample for language models."""

import re
from importlib import import_module

import numpy as np

from recurra.data.passages import Passage, cut
from recurra.data.splits import Splits
from recurra.training.options import RunningText

NAME = "pydoc_data.topics"
SENTENCE = re.compile(r"[A-Z\"(].*[.:]", re.DOTALL)


def load(recipe: RunningText) -> Splits[Passage]:
    """Return the paragraphs of Python's reference that are prose, in three parts by position.

    Each paragraph is a line, and stands once. Another version of Python has another text.
    """
    text = "\n".join(paragraphs()) + "\n"
    whole = [Passage(np.frombuffer(text.encode(), np.uint8), NAME)]
    parts = cut(whole, recipe, NAME)
    return Splits(parts["train"], parts["valid"], parts["test"])


def paragraphs() -> list[str]:
    """Return whole sentences at the left margin; grammars, tables and code are indented."""
    topics: dict[str, str] = import_module(NAME).topics
    found: dict[str, None] = {}
    for name in sorted(topics):
        for block in re.split(r"\n\s*\n", topics[name]):
            lines = block.split("\n")
            if all(line[:1].strip() for line in lines) and SENTENCE.fullmatch(block):
                found[" ".join(" ".join(lines).split())] = None
    return list(found)
