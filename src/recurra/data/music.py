"""Notes as tokens: bars, positions in the bar, pitches and durations, by miditok's REMI."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from recurra.errors import MissingExtra

KEYS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
MODES = ("major", "minor")
SETTINGS: dict[str, Any] = {
    "pitch_range": [21, 109],
    "beat_res": 8,
    "use_time_signatures": True,
}


class Notes:
    """The tokenizer: its vocabulary follows from its settings, nothing is learned.

    Huang and Yang 2020, https://arxiv.org/abs/2002.00212, section 3 (REMI), without velocities
    and tempi; all pitched tracks are read as one, drums are left out.

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
            beat_res={(0, 4): self.settings["beat_res"], (4, 12): 2},
            use_velocities=False,
            use_time_signatures=self.settings["use_time_signatures"],
            special_tokens=["PAD", "UNK", "BOS", "EOS"],
        )
        self.tokenizer = REMI(config)
        self.start, self.end = self.tokenizer["BOS_None"], self.tokenizer["EOS_None"]

    def __len__(self) -> int:
        """Return the size of the vocabulary."""
        return len(self.tokenizer)

    def encode(self, score: Any) -> list[int]:
        """Return the tokens of a symusic score."""
        merged = score.copy()
        pitched = [track for track in merged.tracks if not track.is_drum]
        if not pitched:
            return []
        first, *others = pitched
        for track in others:
            first.notes.extend(track.notes)
        first.program = 0
        first.notes.sort()
        merged.tracks = [first]
        sequences = self.tokenizer(merged)
        return list(sequences[0].ids) if sequences else []

    def decode(self, tokens: Sequence[int]) -> Any:
        """Return the symusic score of tokens; what makes no note is left out."""
        return self.tokenizer.decode([list(tokens)])

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


def note_list(midi: bytes) -> list[tuple[float, float, int]]:
    """Return (start, length, pitch) of every note of a MIDI file, times in beats."""
    from symusic import Score

    score = Score.from_midi(midi)
    return [
        (note.start / score.tpq, note.duration / score.tpq, note.pitch)
        for track in score.tracks
        for note in track.notes
    ]
