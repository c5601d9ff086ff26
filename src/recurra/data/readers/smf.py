"""Standard MIDI files: what a file must be before symusic reads it, and the notes it never ends."""

import struct
from collections.abc import Iterator
from importlib import import_module
from typing import Any, NamedTuple

from recurra.errors import MissingExtra

MOST_TRACKS = 1_000
UNREADABLE = "is not a MIDI file that can be read"
END = b"\xff\x2f\x00"
# every pitch of every channel, off at once
ALL_OFF = b"".join(
    b"\0" + bytes([0x80 | channel, pitch, 0]) for channel in range(16) for pitch in range(128)
)


class Chunk(NamedTuple):
    """A part of a MIDI file: its kind, and where its content begins and ends."""

    kind: bytes
    start: int
    end: int


def symusic() -> Any:
    """Return the symusic library.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        return import_module("symusic")
    except ImportError as error:
        raise MissingExtra("reading MIDI files", "symusic", "music") from error


def parse(data: bytes) -> tuple[Any, int]:
    """Return the score (symusic) of a MIDI file, and how many of its notes never end.

    Notes that never end are not in the score. RIFF files (.rmi) are unwrapped.

    Raises:
        ValueError: it cannot be read, or not as one tune in beats; the text says why.
    """
    data = unwrapped(data)
    chunks = list(check(data))
    read = symusic().Score.from_midi
    try:
        score = read(data)
        ended = read(_ended(data, chunks))
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"{UNREADABLE}: {error}") from error
    return score, max(ended.note_num() - score.note_num(), 0)


def unwrapped(data: bytes) -> bytes:
    """Return the MIDI file within a RIFF file, or the data itself."""
    if data[:4] != b"RIFF" or data[8:12] != b"RMID":
        return data
    at = 12
    while at + 8 <= len(data):
        kind, size = struct.unpack_from("<4sI", data, at)
        if kind == b"data":
            return data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    return b""


def check(data: bytes) -> Iterator[Chunk]:
    """Yield the chunks after the header, as many as hold its tracks.

    Raises:
        ValueError: it is no MIDI file, is cut short, holds several tunes, or counts no beats.
    """
    if data[:4] != b"MThd" or len(data) < 14:
        raise ValueError(f"{UNREADABLE}: it does not begin with MThd")
    size, form, tracks, division = struct.unpack_from(">IHHH", data, 4)
    if tracks > MOST_TRACKS:
        raise ValueError(f"has {tracks:,} tracks; at most {MOST_TRACKS:,} are read")
    if form == 2 and tracks > 1:
        raise ValueError(f"holds {tracks} independent tunes (format 2): give each its own file")
    if division & 0x8000:
        raise ValueError("counts frames (SMPTE), not beats: export it in ticks per quarter note")
    if division == 0:
        raise ValueError("has a division of 0 ticks per quarter note: export it again")
    at, found = 8 + size, 0
    while found < tracks:
        if at + 8 > len(data):
            raise ValueError(f"{UNREADABLE}: it has {found} of its {tracks} tracks")
        kind, size = struct.unpack_from(">4sI", data, at)
        chunk = Chunk(kind, at + 8, at + 8 + size)
        if chunk.end > len(data):
            missing = f"{chunk.end - len(data):,} bytes short"
            raise ValueError(f"{UNREADABLE}: track {found + 1} of {tracks} is {missing}")
        yield chunk
        at, found = chunk.end, found + (kind == b"MTrk")


def _ended(data: bytes, chunks: list[Chunk]) -> bytes:
    """Return the file with every note off at the end of each track."""
    parts = [data[:14]]
    for chunk in chunks:
        if chunk.kind == b"MTrk":
            events = data[chunk.start : chunk.end]
            # the time before the end of the track is the time of the first note off
            before = events.removesuffix(END) if events.endswith(END) else events + b"\0"
            events = before + ALL_OFF[1:] + b"\0" + END
            parts += [b"MTrk", struct.pack(">I", len(events)), events]
    return b"".join(parts)
