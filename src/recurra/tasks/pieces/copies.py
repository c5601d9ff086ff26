"""The longest passage of a piece that stands note for note in a training piece.

A passage is a run of notes, by start and then pitch. Two are the same where all lengths, all times
between one note and the next, and all pitches are: at the same pitch, or moved as a whole
(transposed). Yin et al. 2022, https://doi.org/10.1007/s42979-022-01220-y, ask the same of a model
by other means; the measure here is not traced.

The runs are found exactly, by a suffix array over both sides: ranks of doubled prefixes, Manber and
Myers 1993, https://doi.org/10.1137/0222058, whose tables also say how far two suffixes agree.
"""

from collections.abc import Hashable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recurra.tasks.pieces.piece import TICKS, Note, Piece

MOST = 200_000  # notes of training pieces that are looked through at a time

Ids = NDArray[np.int64]


class Copy(NamedTuple):
    """A passage that stands elsewhere too.

    Args:
        notes: how many.
        beats: quarter notes from its first note to the end of its last.
        bars: that it fills: beats, by those of the bar in which it begins.
        bar: the piece's bar in which it begins, counted from 1.
        source: where the other piece comes from.
        semitones: that the other lies above.
    """

    notes: int
    beats: float
    bars: float
    bar: int
    source: str
    semitones: int


def longest_copies(
    pieces: Sequence[Piece], corpus: Sequence[Piece], *, transposed: bool = False
) -> list[Copy | None]:
    """Return each piece's longest passage that stands in the corpus; none where no note does.

    Args:
        pieces: that are asked about.
        corpus: that may have been copied from.
        transposed: whether a passage may be moved as a whole.
    """
    best: list[tuple[int, int, int, int]] = [(0, 0, 0, 0)] * len(pieces)
    for first, block in blocks(corpus):
        found = longest_runs(*numbered(pieces, block, transposed=transposed))
        for number, (length, at, other, there) in enumerate(found):
            if length > best[number][0]:
                best[number] = (length, at // 2, first + other, there // 2)
    return [
        _copy(piece, corpus[other], (length + 1) // 2, at, there) if length else None
        for piece, (length, at, other, there) in zip(pieces, best, strict=True)
    ]


def blocks(corpus: Sequence[Piece], most: int = MOST) -> Iterator[tuple[int, Sequence[Piece]]]:
    """Yield (number of the first, pieces) of at most so many notes together, a piece at least."""
    first = notes = 0
    for number, piece in enumerate(corpus):
        if notes and notes + len(piece.notes) > most:
            yield first, corpus[first:number]
            first, notes = number, 0
        notes += len(piece.notes)
    if first < len(corpus):
        yield first, corpus[first:]


def symbols(piece: Piece, *, transposed: bool) -> list[Hashable]:
    """Return notes and what lies between them in turn: note, step, note, step, …, note."""
    found: list[Hashable] = []
    for before, note in pairwise([None, *piece.notes]):
        assert note is not None
        if before is not None:
            moved = note.pitch - before.pitch if transposed else None
            found.append(("step", note.start - before.start, moved))
        found.append(("note", note.length, None if transposed else note.pitch))
    return found


def numbered(
    pieces: Sequence[Piece], corpus: Sequence[Piece], *, transposed: bool
) -> tuple[list[Ids], list[Ids]]:
    """Return the symbols of both sides as numbers, the same for the same."""
    known: dict[Hashable, int] = {}
    sides = (
        [
            np.array(
                [known.setdefault(s, len(known)) for s in symbols(piece, transposed=transposed)],
                np.int64,
            )
            for piece in side
        ]
        for side in (pieces, corpus)
    )
    asked, others = sides
    return asked, others


def longest_runs(asked: Sequence[Ids], corpus: Sequence[Ids]) -> list[tuple[int, int, int, int]]:
    """Return, for each sequence asked about, its longest run that the corpus has too.

    Each is (symbols, where it begins, which of the corpus, where it begins there); runs begin at
    even places, the notes. The first of equal length is taken.
    """
    sequences = [*asked, *corpus]
    starts = np.cumsum([0, *(len(one) + 1 for one in sequences)])
    # a separator after each sequence, of its own: no run goes past it
    text = np.concatenate(
        [np.append(one, -1 - number) for number, one in enumerate(sequences)] or [np.zeros(0)]
    ).astype(np.int64)
    tables = ranks(text, max((len(one) for one in asked), default=0))
    order = np.argsort(tables[-1], kind="stable")
    border, place = starts[len(asked)], np.arange(len(order))
    theirs = order >= border
    before = np.maximum.accumulate(np.where(theirs, place, -1))
    after = np.minimum.accumulate(np.where(theirs, place, len(order))[::-1])[::-1]
    sorted_at = np.empty_like(order)
    sorted_at[order] = place
    found = []
    for number, one in enumerate(asked):
        best = (0, 0, 0, 0)
        at = starts[number] + np.arange(0, len(one), 2)
        for near in (before[sorted_at[at]], after[sorted_at[at]]):
            there = np.where((near >= 0) & (near < len(order)), near, 0)
            others = order[there]
            shared = np.where(others >= border, agreement(tables, at, others), 0)
            if len(shared) and shared.max() > best[0]:
                i = int(shared.argmax())
                which = int(np.searchsorted(starts, others[i], "right")) - 1
                where = int(at[i] - starts[number]), int(others[i] - starts[which])
                best = (int(shared[i]), where[0], which - len(asked), where[1])
        found.append(best)
    return found


def ranks(text: Ids, longest: int) -> list[Ids]:
    """Return the rank of each place's first 1, 2, 4, … symbols, until more than `longest`."""
    tables = [np.unique(text, return_inverse=True)[1].astype(np.int64)]
    width = 1
    while width <= longest:
        rank = tables[-1]
        follows = np.append(rank[width:] + 1, np.zeros(min(width, len(rank)), np.int64))
        pairs = rank * (len(rank) + 1) + follows
        tables.append(np.unique(pairs, return_inverse=True)[1].astype(np.int64))
        width *= 2
    return tables


def agreement(tables: Sequence[Ids], a: Ids, b: Ids) -> Ids:
    """Return how many symbols the texts from a and from b on have in common."""
    shared = np.zeros(len(a), np.int64)
    for level in range(len(tables) - 1, -1, -1):
        same = tables[level][a + shared] == tables[level][b + shared]
        shared += same << level
    return shared


def _copy(piece: Piece, source: Piece, count: int, at: int, there: int) -> Copy:
    passage: Sequence[Note] = piece.notes[at : at + count]
    begin = passage[0].start
    ticks = max(note.start + note.length for note in passage) - begin
    bar = int(np.searchsorted(piece.lines, begin, "right"))
    length = piece.lines[bar] - piece.lines[bar - 1]
    moved = source.notes[there].pitch - passage[0].pitch
    return Copy(count, ticks / TICKS, ticks / length, bar, source.where, moved)
