"""Tiny pieces, by hand."""

from collections.abc import Iterable

from recurra.tasks.pieces.piece import TICKS, Note, Piece, bar_lines


def piece(*notes: tuple[float, float, int], where: str = "here", cut: bool = False) -> Piece:
    """Return the piece of notes (start, length in beats, pitch), in 4/4."""
    found = sorted(Note(round(s * TICKS), p, round(n * TICKS)) for s, n, p in notes)
    end = max((note.start + note.length for note in found), default=0)
    return Piece(found, bar_lines({}, end, 0), where, cut)


def line(pitches: Iterable[int], length: float = 1.0, where: str = "here") -> Piece:
    """Return a piece of one note after the other."""
    return piece(*((i * length, length, pitch) for i, pitch in enumerate(pitches)), where=where)
