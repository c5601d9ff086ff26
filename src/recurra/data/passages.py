"""Texts by their place: what a passage is, and how a row of them is cut into parts."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recurra.errors import DataError
from recurra.training.options import RunningText

NEAR = 0.1  # of the whole: how far a cut is moved to between two texts


class Passage(NamedTuple):
    """A text in UTF-8, and where it stands."""

    text: NDArray[np.uint8]
    where: str


def digest(passage: Passage) -> bytes:
    """Return what tells a text from others."""
    return blake2b(passage.text.data, digest_size=16).digest()


def cut(
    train: list[Passage], recipe: RunningText, data: str, given: Iterable[str] = ()
) -> dict[str, list[Passage]]:
    """Return the training part without its end, and the parts cut off there: by position.

    The first of the text trains, the last tests. A cut is moved to between two texts where one
    ends within a tenth of the whole; else it lies within one.

    Args:
        train: the texts in their order.
        recipe: its shares.
        data: their name, for error texts.
        given: parts that there are already.
    Raises:
        DataError: there is too little text, or the shares leave none to train.
    """
    shares = {"valid": recipe.valid_share, "test": recipe.test_share}
    missing = [part for part in shares if part not in given]
    if not missing:
        return {}
    ends = np.cumsum([len(passage.text) for passage in train])
    total, rest = int(ends[-1]), 1.0
    exact, moved = list[int](), list[int]()
    for part in reversed(missing):
        rest -= shares[part]
        place = round(total * rest)
        exact.insert(0, place)
        before = ends[ends < (moved[0] if moved else total)]
        near = int(before[np.abs(before - place).argmin()]) if len(before) else place
        moved.insert(0, near if abs(near - place) < NEAR * total else place)
    for stops in (moved, exact):
        bounds = [0, *stops, total]
        if all(a < b for a, b in pairwise(bounds)):
            break
    else:
        raise DataError(
            data,
            f"has {total} bytes, and {' and '.join(missing)} take the shares "
            f"{', '.join(str(shares[part]) for part in missing)} of it: give more text, lower "
            "valid_share or test_share, or name files as --valid and --test",
        )
    names = ["train", *missing]
    found = {
        part: _between(train, ends, start, stop)
        for part, (start, stop) in zip(names, pairwise(bounds), strict=True)
    }
    for part, passages in found.items():
        if not passages:
            raise DataError(data, f"is too short to cut a {part} part off: give more text")
    return found


def _between(passages: list[Passage], ends: Any, start: int, stop: int) -> list[Passage]:
    found = []
    for passage, end in zip(passages, ends.tolist(), strict=True):
        text, begin = passage.text, end - len(passage.text)
        first, last = (_whole(text, min(max(at - begin, 0), len(text))) for at in (start, stop))
        if first < last:
            found.append(Passage(text[first:last], passage.where))
    return found


def _whole(text: NDArray[np.uint8], at: int) -> int:
    """Return the place, or the next before it that is not within a character."""
    while 0 < at < len(text) and text[at] & 0xC0 == 0x80:
        at -= 1
    return at
