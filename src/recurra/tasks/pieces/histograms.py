"""How often pitch classes, intervals and lengths occur in a set of pieces, and how high they lie.

The features are those of Yang and Lerch 2020, https://doi.org/10.1007/s00521-018-3849-7: pitch
class histogram, pitch interval, pitch range, note count and note length histogram. There they are
told of each piece; here all notes of a set are counted together. They compare sets by the overlap
of estimated densities; here by the total variation of the counts themselves.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from statistics import median
from typing import Any, NamedTuple

from recurra.tasks.pieces.piece import TICKS, Note, Piece

OCTAVE = 12  # semitones; wider intervals are counted as one


class Compass(NamedTuple):
    """The lowest, the middle and the highest MIDI pitch of a line."""

    lowest: int
    median: float
    highest: int


def pitch_classes(pieces: Iterable[Piece]) -> Counter[int]:
    """Return how many notes each pitch class has, 0 (C) to 11 (B), in any octave."""
    counts = Counter(dict.fromkeys(range(OCTAVE), 0))
    counts.update(note.pitch % OCTAVE for piece in pieces for note in piece.notes)
    return counts


def intervals(pieces: Iterable[Piece], line: Callable[[Piece], Sequence[Note]]) -> Counter[int]:
    """Return how often a line moves by how many semitones, up (+) or down (−).

    Args:
        pieces: whose lines are followed, each on its own.
        line: a piece → one note at a time. What is wider than an octave counts as ±12.
    """
    counts = Counter(dict.fromkeys(range(-OCTAVE, OCTAVE + 1), 0))
    for piece in pieces:
        for before, after in pairwise(line(piece)):
            counts[max(-OCTAVE, min(OCTAVE, after.pitch - before.pitch))] += 1
    return counts


def note_lengths(pieces: Iterable[Piece]) -> Counter[float]:
    """Return how many notes last how many beats (quarter notes)."""
    return Counter(note.length / TICKS for piece in pieces for note in piece.notes)


def density(pieces: Sequence[Piece]) -> float:
    """Return how many notes begin in a beat: all notes by all beats; 0 where there are none.

    The note count of Yang and Lerch, by length; that division is not traced.
    """
    beats = sum(piece.beats for piece in pieces)
    return sum(len(piece.notes) for piece in pieces) / beats if beats else 0.0


def compass(pieces: Iterable[Piece], line: Callable[[Piece], Sequence[Note]]) -> Compass | None:
    """Return how low and how high a line goes, and the median of its notes; none without any."""
    pitches = [note.pitch for piece in pieces for note in line(piece)]
    return Compass(min(pitches), float(median(pitches)), max(pitches)) if pitches else None


def total_variation(p: Mapping[Any, int], q: Mapping[Any, int]) -> float:
    """Return the distance of two histograms: 0 the same shares, 1 nothing in common.

        TV = ½ Σ_x |p(x) − q(x)|        p(x), q(x): the share of x

    Levin, Peres and Wilmer 2009, Markov Chains and Mixing Times, proposition 4.2. One without any
    count has nothing in common with another.
    """
    of_p, of_q = sum(p.values()), sum(q.values())
    if not of_p or not of_q:
        return 0.0 if of_p == of_q else 1.0
    return sum(abs(p.get(x, 0) / of_p - q.get(x, 0) / of_q) for x in {*p, *q}) / 2
