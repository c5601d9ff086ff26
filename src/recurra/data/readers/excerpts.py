"""A tune cut in time, where there are too few tunes to hold whole ones out."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from recurra.data.music import FIELDS, one_voice
from recurra.data.readers.source import HELD_OUT

TOKENS_PER_BAR, TOKENS_PER_NOTE = 2, 3  # at most


class Stretch(NamedTuple):
    """Some bars of a tune: the first and the last of them, counted from 1, and their notes."""

    first: int
    last: int
    score: Any


def excerpts(voice: Any, parts: Sequence[str], longest: int) -> dict[str, list[Stretch]] | None:
    """Return the parts of a tune, one after the other in time: most of it, then a tenth each.

    A part is cut into stretches whose tokens are read whole. Borders are bar lines; a note belongs
    where it starts and is cut off at the border, so that no part holds a sound of another.

    Args:
        voice: a symusic score of one track.
        parts: their names, the one for training first.
        longest: tokens of a stretch, where a bar has no more.
    Returns:
        None where there are fewer bars with notes than parts.
    """
    notes = {name: voice.tracks[0].notes.numpy()[name] for name in FIELDS}
    lines = voice.get_downbeats()
    bars = np.searchsorted(lines, notes["time"], side="right") - 1
    counts = np.bincount(bars)
    sounding = np.flatnonzero(counts)
    held = max(1, round(HELD_OUT * len(sounding)))
    kept = len(sounding) - held * (len(parts) - 1)
    if kept < 1:
        return None
    borders = [0, *(kept + held * i for i in range(len(parts)))]
    found: dict[str, list[Stretch]] = {part: [] for part in parts}
    for part, begin, end in zip(parts, borders[:-1], borders[1:], strict=True):
        first, tokens = int(sounding[begin]), 0
        for bar in range(first, int(sounding[end - 1]) + 1):
            cost = TOKENS_PER_BAR + TOKENS_PER_NOTE * int(counts[bar])
            if tokens and tokens + cost > longest:
                found[part].append(_clip(voice, notes, lines, first, bar))
                first, tokens = bar, 0
            tokens += cost
        found[part].append(_clip(voice, notes, lines, first, int(sounding[end - 1]) + 1))
    return {part: [s for s in found[part] if s.score.note_num()] for part in parts}


def _clip(voice: Any, notes: dict[str, Any], lines: Any, first: int, after: int) -> Stretch:
    """Return the bars from `first` up to, not with, `after`."""
    begin, end = int(lines[first]), int(lines[after]) if after < len(lines) else np.inf
    inside = slice(*np.searchsorted(notes["time"], [begin, end]))
    cut = {name: values[inside] for name, values in notes.items()}
    cut["duration"] = np.minimum(cut["duration"], end - cut["time"])
    cut["time"] = cut["time"] - begin
    changes = [(s.time - begin, s.numerator, s.denominator) for s in voice.time_signatures]
    before = [(0, *change[1:]) for change in changes if change[0] <= 0]
    signatures = before[-1:] + [c for c in changes if 0 < c[0] < end - begin]
    return Stretch(first + 1, after, one_voice(voice.tpq, cut, signatures))
