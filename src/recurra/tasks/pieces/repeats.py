"""Bars that were heard before, and pieces whose end goes round in a circle."""

from collections.abc import Hashable, Sequence

from recurra.tasks.pieces.piece import Piece

LONGEST = 8  # bars of a circle
TIMES = 4  # that it is gone round

Bar = frozenset[tuple[int, int, int, bool]]


def bars(piece: Piece) -> list[Bar]:
    """Return what sounds in each bar: begin, end (ticks in the bar), pitch, held over or not.

    The last bar of a piece that was cut is left out: it may be half a bar.
    """
    spans = list(zip(piece.lines, piece.lines[1:], strict=False))
    held: list[set[tuple[int, int, int, bool]]] = [set() for _ in spans]
    at = 0
    for start, pitch, length in piece.notes:
        while at + 1 < len(spans) and spans[at][1] <= start:
            at += 1
        for number in range(at, len(spans)):
            a, b = spans[number]
            if a >= start + length:
                break
            held[number].add((max(start, a) - a, min(start + length, b) - a, pitch, start < a))
    found = [frozenset(bar) for bar in held]
    return found[:-1] if piece.cut else found


def repeated(pieces: Sequence[Piece]) -> float:
    """Return the share of bars that equal an earlier one of their piece, at the same pitch.

    Silent bars are not counted. Not traced.
    """
    seen = total = 0
    for piece in pieces:
        sounding = [bar for bar in bars(piece) if bar]
        seen += len(sounding) - len(set(sounding))
        total += len(sounding)
    return seen / total if total else 0.0


def circle(symbols: Sequence[Hashable], longest: int = LONGEST, times: int = TIMES) -> int:
    """Return the length of the circle in which a sequence ends; 0: in none.

        the least k ≤ longest with s_i = s_{i−k} for the last (times − 1)·k of all i

    so the last k symbols stand there `times` times in a row. Not traced.
    """
    for k in range(1, min(longest, len(symbols) // times) + 1):
        last = symbols[len(symbols) - times * k :]
        if all(last[i] == last[i - k] for i in range(k, len(last))):
            return k
    return 0


def endless(piece: Piece) -> int:
    """Return of how many bars the circle is in which a piece ends; 0: it ends in none.

    A circle has at most 8 bars and is gone round 4 times or more; bars of silence are one too.
    """
    return circle(bars(piece))
