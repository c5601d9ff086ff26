"""Piano-rolls: which of a piano's keys sound at each step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recurra.data.readers.smf import symusic

LOWEST, HIGHEST = 21, 108  # MIDI pitches of a piano
KEYS = HIGHEST - LOWEST + 1
TICKS = 480  # per quarter note, of what is written
VELOCITY = 80


class Roll(NamedTuple):
    """A piece.

    Args:
        frames: [time keys], 1 where a key sounds.
        where: its file, and which piece of it.
    """

    frames: NDArray[np.uint8]
    where: str


def of_pitches(steps: Sequence[Any], where: str) -> Roll:
    """Return the roll of the MIDI pitches that sound at each step.

    Raises:
        ValueError: a pitch is none of a piano's.
    """
    frames = np.zeros((len(steps), KEYS), np.uint8)
    for time, pitches in enumerate(steps):
        for pitch in pitches:
            if isinstance(pitch, bool) or pitch != int(pitch) or not LOWEST <= pitch <= HIGHEST:
                raise ValueError(f"step {time}: {pitch!r} is no pitch from {LOWEST} to {HIGHEST}")
            frames[time, int(pitch) - LOWEST] = 1
    return Roll(frames, where)


def of_score(score: Any, steps: int, where: str) -> Roll:
    """Return the roll of a symusic score: a step sounds what begins before its end and lasts.

        frame t holds a note where round(start / Δ) ≤ t < max(round(end / Δ), round(start / Δ) + 1)

    with Δ a quarter note by `steps`. Drums are left out.
    """
    tracks = [track.notes.numpy() for track in score.tracks if not track.is_drum]
    start, length, pitch = (
        np.concatenate([np.zeros(0, np.int64), *(notes[name].astype(np.int64) for notes in tracks)])
        for name in ("time", "duration", "pitch")
    )
    first = np.rint(start * steps / score.tpq).astype(np.int64)
    last = np.maximum(np.rint((start + length) * steps / score.tpq).astype(np.int64), first + 1)
    frames = np.zeros((int(last.max(initial=0)), KEYS), np.uint8)
    for a, b, key in zip(first, last, pitch - LOWEST, strict=True):
        if 0 <= key < KEYS:
            frames[a:b, key] = 1
    return Roll(frames, where)


def to_midi(frames: NDArray[np.uint8], steps: int) -> bytes:
    """Return a MIDI file of a roll: keys that sound on are one note."""
    library = symusic()
    score, track = library.Score(TICKS), library.Track(name="recurra", program=0)
    tick = TICKS / steps
    edges = np.diff(np.pad(frames.astype(np.int8), ((1, 1), (0, 0))), axis=0)
    for key in range(frames.shape[1]):
        for a, b in zip(
            np.flatnonzero(edges[:, key] > 0), np.flatnonzero(edges[:, key] < 0), strict=True
        ):
            begin, end = round(a * tick), round(b * tick)
            track.notes.append(library.Note(begin, end - begin, key + LOWEST, VELOCITY))
    score.tracks.append(track)
    written: bytes = score.dumps_midi()
    return written
