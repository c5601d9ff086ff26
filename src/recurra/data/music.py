"""Notes as tokens: bars, positions in the bar, pitches and durations, by miditok's REMI."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recurra.errors import MissingExtra

KEYS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
MODES = ("major", "minor")
SETTINGS: dict[str, Any] = {
    "pitch_range": [21, 109],
    "beat_res": 8,
    "use_time_signatures": True,
}
FIELDS = {"time": np.int32, "duration": np.int32, "pitch": np.int8, "velocity": np.int8}
LONGEST_NOTE = 12  # beats: the longest that has a token


class Voice(NamedTuple):
    """A score as the tokenizer reads it, one track of notes with tokens; and what was left out.

    Args:
        score: a symusic score; its time signatures are those that have tokens.
        pitched: notes of all tracks but the drums, before anything was left out.
        outside: those out of the pitch range.
        silent: those within it that last no time.
        signatures: time signatures without a token, as "9/8".
    """

    score: Any
    pitched: int
    outside: int
    silent: int
    signatures: frozenset[str]


class Notes:
    """The tokenizer: its vocabulary follows from its settings, nothing is learned.

    Huang and Yang 2020, https://arxiv.org/abs/2002.00212, section 3 (REMI), without velocities
    and tempi; all pitched tracks are read as one, drums are left out. A note lasts 12 beats at
    most.

    Args:
        settings: `pitch_range`, and `beat_res`: positions within a beat.
    Raises:
        MissingExtra: miditok or symusic is not installed.
    """

    def __init__(self, settings: dict[str, Any] | None = None) -> None:
        try:
            from miditok import REMI, TokenizerConfig
        except ImportError as error:
            raise MissingExtra("music", "miditok and symusic", "music") from error
        self.settings = settings or SETTINGS
        low, high = self.settings["pitch_range"]
        config = TokenizerConfig(
            pitch_range=(low, high),
            beat_res={(0, 4): self.settings["beat_res"], (4, LONGEST_NOTE): 2},
            use_velocities=False,
            use_time_signatures=self.settings["use_time_signatures"],
            special_tokens=["PAD", "UNK", "BOS", "EOS"],
        )
        self.tokenizer = REMI(config)
        self.start, self.end = self.tokenizer["BOS_None"], self.tokenizer["EOS_None"]

    def __len__(self) -> int:
        """Return the size of the vocabulary."""
        return len(self.tokenizer)

    def voice(self, score: Any) -> Voice:
        """Return a symusic score as one track of what has tokens. Its division is not 0."""
        tracks = [track.notes.numpy() for track in score.tracks if not track.is_drum]
        notes = {k: np.concatenate([[], *(each[k] for each in tracks)]) for k in FIELDS}
        low, high = self.settings["pitch_range"]
        inside = (notes["pitch"] >= low) & (notes["pitch"] < high)
        lasting = inside & (notes["duration"] > 0)
        notes["duration"] = np.minimum(notes["duration"], LONGEST_NOTE * score.tpq)
        signatures, unknown = self._signatures(score)
        found = one_voice(score.tpq, {k: notes[k][lasting] for k in FIELDS}, signatures)
        outside, silent = int((~inside).sum()), int((inside & ~lasting).sum())
        return Voice(found, len(inside), outside, silent, unknown)

    def _signatures(self, score: Any) -> tuple[list[tuple[int, int, int]], frozenset[str]]:
        """Return the changes of time signature, one a time, and those that have no token."""
        changes: dict[int, tuple[int, int]] = {}
        unknown: set[str] = set()
        for each in score.time_signatures:
            meter = (each.numerator, each.denominator)
            if meter in self.tokenizer.time_signatures:
                changes[each.time] = meter
            else:
                unknown.add(f"{each.numerator}/{each.denominator}")
        kept: list[tuple[int, int, int]] = []
        for time, meter in sorted(changes.items()):
            if not kept or kept[-1][1:] != meter:
                kept.append((time, *meter))
        return kept, frozenset(unknown)

    def encode(self, score: Any, limit: int | None = None) -> list[int]:
        """Return the tokens of a symusic score, the first `limit` of them.

        What comes later is not looked at: the cost is that of `limit` tokens.
        """
        voice = self.voice(score).score
        if limit is not None:
            del voice.tracks[0].notes[limit:]  # each note is two tokens at least
        if not voice.note_num():
            return []
        sequences = self.tokenizer(voice)
        return list(sequences[0].ids[:limit]) if sequences else []

    def decode(self, tokens: Sequence[int]) -> Any:
        """Return the symusic score of tokens; what makes no note is left out."""
        return self.tokenizer.decode([list(tokens)])

    def name(self, token: int) -> str:
        """Return what a token is called: Bar_None, Position_3, Pitch_62, Duration_1.0.4."""
        return str(self.tokenizer[token])

    def bars(self, tokens: Sequence[int]) -> int:
        """Return how many bars the tokens begin."""
        bar = self.tokenizer["Bar_None"]
        return sum(token == bar for token in tokens)

    def to_json(self) -> str:
        """Return the settings."""
        return json.dumps(self.settings)

    @classmethod
    def from_json(cls, text: str) -> Notes:
        """Return the tokenizer of these settings."""
        return cls(json.loads(text))


def one_voice(
    tpq: int, notes: Mapping[str, NDArray[Any]], signatures: Sequence[tuple[int, int, int]]
) -> Any:
    """Return a symusic score of one track, its notes in order.

    Args:
        tpq: ticks per quarter note.
        notes: start, length (ticks), pitch and velocity of each note, by symusic's names.
        signatures: (time, numerator, denominator) of each change of time signature.
    """
    from symusic import Note, Score, TimeSignature, Track

    track = Track()
    kinds = {name: np.ascontiguousarray(notes[name], kind) for name, kind in FIELDS.items()}
    track.notes = Note.from_numpy(**kinds, ttype="tick")
    track.notes.sort()
    score = Score(tpq)
    score.tracks.append(track)
    for change in signatures:
        score.time_signatures.append(TimeSignature(*change))
    return score


def note_list(midi: bytes) -> list[tuple[float, float, int]]:
    """Return (start, length, pitch) of every note of a MIDI file, times in beats."""
    from symusic import Score

    score = Score.from_midi(midi)
    return [
        (note.start / score.tpq, note.duration / score.tpq, note.pitch)
        for track in score.tracks
        for note in track.notes
    ]
