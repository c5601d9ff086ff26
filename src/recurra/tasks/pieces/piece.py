"""A piece as its notes and bars, on a grid that two pieces can be compared on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recurra.data.rolls import LOWEST

TICKS = 48  # of a quarter note: halves of a model's sixteenth of a beat, and thirds
COMMON_TIME = 4 * TICKS  # a bar, where nothing is said


class Note(NamedTuple):
    """A note: when it begins, its MIDI pitch, how long it lasts; times in ticks."""

    start: int
    pitch: int
    length: int


class Piece(NamedTuple):
    """A piece.

    Args:
        notes: by start, then pitch, then length.
        lines: ticks at which a bar begins, and the end of the last.
        where: its file, or what was asked for.
        cut: whether it was ended by its greatest length, not by itself.
    """

    notes: list[Note]
    lines: list[int]
    where: str
    cut: bool = False

    @property
    def beats(self) -> float:
        """Return the quarter notes from the first bar line to the end of the last note."""
        return max((note.start + note.length for note in self.notes), default=0) / TICKS


def of_score(score: Any, where: str, *, bars: int = 0, cut: bool = False) -> Piece:
    """Return the piece of a symusic score; drums are left out.

    Args:
        score: in ticks.
        where: its file, or what was asked for.
        bars: that it has at least, though the last of them may be silent.
        cut: whether it was ended by its greatest length.
    """
    notes = [
        Note(
            round(note.start * TICKS / score.tpq),
            note.pitch,
            max(round(note.duration * TICKS / score.tpq), 1),
        )
        for track in score.tracks
        if not track.is_drum
        for note in track.notes
    ]
    changes = {
        round(each.time * TICKS / score.tpq): 4 * TICKS * each.numerator // each.denominator
        for each in score.time_signatures
    }
    return Piece(sorted(notes), bar_lines(changes, _end(notes), bars), where, cut)


def of_roll(frames: NDArray[np.uint8], steps: int, where: str, *, cut: bool = False) -> Piece:
    """Return the piece of a piano-roll in 4/4: a key that sounds on is one note.

    Args:
        frames: [time keys], 1 where a key sounds.
        steps: of a quarter note.
        where: its file.
        cut: whether it was ended by its greatest length.
    """
    edges = np.diff(np.pad(frames.astype(np.int8), ((1, 1), (0, 0))), axis=0)
    notes = []
    for key in np.flatnonzero(frames.any(0)):
        begins, ends = np.flatnonzero(edges[:, key] > 0), np.flatnonzero(edges[:, key] < 0)
        for begin, end in zip(begins, ends, strict=True):
            start, stop = round(begin * TICKS / steps), round(end * TICKS / steps)
            notes.append(Note(start, int(key) + LOWEST, max(stop - start, 1)))
    end = round(len(frames) * TICKS / steps)
    return Piece(sorted(notes), bar_lines({}, end, 0), where, cut)


def bar_lines(changes: dict[int, int], end: int, bars: int) -> list[int]:
    """Return where bars begin, up to the first line that is not before `end`.

    Args:
        changes: tick → length of the bars from there on; a change within a bar ends it.
        end: of the last note.
        bars: the least number of them.
    """
    times = sorted(changes)
    lines, length, next_change = [0], COMMON_TIME, 0
    while True:
        while next_change < len(times) and times[next_change] <= lines[-1]:
            length = max(changes[times[next_change]], 1)
            next_change += 1
        if lines[-1] >= end and len(lines) > bars:
            return lines
        line = lines[-1] + length
        if next_change < len(times):
            line = min(line, times[next_change])
        lines.append(line)


def upper(piece: Piece) -> list[Note]:
    """Return the highest of the notes that begin together: the melody, where there is one.

    Uitdenbogerd and Zobel 1998, Manipulation of music for melody matching (ACM Multimedia): the
    first of their ways to one melody, often called the skyline.
    """
    return list({note.start: note for note in piece.notes}.values())


def lower(piece: Piece) -> list[Note]:
    """Return the lowest of the notes that begin together."""
    found: dict[int, Note] = {}
    for note in piece.notes:
        found.setdefault(note.start, note)
    return list(found.values())


def _end(notes: Sequence[Note]) -> int:
    return max((note.start + note.length for note in notes), default=0)
