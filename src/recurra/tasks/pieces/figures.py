"""What a set of pieces sounds like, in figures that another set's can stand beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from recurra.tasks.pieces.copies import Copy
from recurra.tasks.pieces.histograms import (
    Compass,
    compass,
    density,
    intervals,
    note_lengths,
    pitch_classes,
    total_variation,
)
from recurra.tasks.pieces.piece import Piece, lower, upper
from recurra.tasks.pieces.repeats import endless, repeated

Histogram = Mapping[Any, int]


@dataclass(frozen=True)
class Figures:
    """The figures of a set of pieces. Each is defined where it is counted.

    Args:
        pieces: how many.
        notes: in all of them.
        notes_per_beat: that begin in a quarter note.
        histograms: by name, of pitch classes, of the highest line's intervals, of note lengths.
        compasses: by line: of all notes, of the highest and of the lowest at each time.
        repeated_bars: the share of bars that equal an earlier one of the piece.
        endless: how many pieces end in a circle.
        cut: how many were ended by their greatest length, not by themselves.
    """

    pieces: int
    notes: int
    notes_per_beat: float
    histograms: Mapping[str, Histogram]
    compasses: Mapping[str, Compass | None]
    repeated_bars: float
    endless: int
    cut: int

    @classmethod
    def of(cls, pieces: Sequence[Piece]) -> Figures:
        """Return those of some pieces."""
        histograms: dict[str, Histogram] = {
            "pitch_classes": pitch_classes(pieces),
            "intervals": intervals(pieces, upper),
            "note_lengths": note_lengths(pieces),
        }
        compasses = {
            "all": compass(pieces, lambda piece: piece.notes),
            "upper": compass(pieces, upper),
            "lower": compass(pieces, lower),
        }
        return cls(
            pieces=len(pieces),
            notes=sum(len(piece.notes) for piece in pieces),
            notes_per_beat=density(pieces),
            histograms=histograms,
            compasses=compasses,
            repeated_bars=repeated(pieces),
            endless=sum(endless(piece) > 0 for piece in pieces),
            cut=sum(piece.cut for piece in pieces),
        )

    def distances(self, other: Figures) -> dict[str, float]:
        """Return how far each histogram is from another set's, as a total variation."""
        return {
            name: total_variation(own, other.histograms[name])
            for name, own in self.histograms.items()
        }

    def asdict(self) -> dict[str, Any]:
        """Return plain values; histograms as shares."""
        return {
            "pieces": self.pieces,
            "notes": self.notes,
            "notes_per_beat": self.notes_per_beat,
            "histograms": {name: shares(one) for name, one in self.histograms.items()},
            "compasses": {
                name: None if one is None else one._asdict() for name, one in self.compasses.items()
            },
            "repeated_bars": self.repeated_bars,
            "endless": self.endless,
            "cut": self.cut,
        }


@dataclass(frozen=True)
class Copied:
    """How much of each piece stands note for note in a training piece.

    Args:
        same_pitch: each piece's longest passage, at the same pitch; none where no note is shared.
        transposed: the same, where a passage may be moved as a whole.
    """

    same_pitch: Sequence[Copy | None]
    transposed: Sequence[Copy | None]

    def asdict(self) -> dict[str, Any]:
        """Return of both ways the longest passage, and the median of all pieces, in notes."""
        both = {"same_pitch": self.same_pitch, "transposed": self.transposed}
        return {
            name: {"longest": _plain(longest(found)), "median_notes": usual(found)}
            for name, found in both.items()
        }


def longest(found: Sequence[Copy | None]) -> Copy | None:
    """Return the passage of most notes, the first of several."""
    return max((one for one in found if one), key=lambda one: one.notes, default=None)


def usual(found: Sequence[Copy | None]) -> float:
    """Return the median length in notes, over all pieces."""
    return float(median([one.notes if one else 0 for one in found] or [0]))


def shares(counts: Histogram) -> dict[str, float]:
    """Return each one's share of the whole, in order, by name."""
    total = sum(counts.values())
    return {f"{x:g}": counts[x] / total if total else 0.0 for x in sorted(counts)}


def _plain(copy: Copy | None) -> dict[str, Any] | None:
    return None if copy is None else copy._asdict()
