"""Keys and modes, and tunes that were written in them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from recurra.data.music import KEYS, MODES, Notes, note_list
from recurra.errors import RecurraError


class MidiFile:
    """An answer that is a standard MIDI file."""

    midi: bytes
    ending: ClassVar[str] = ".mid"

    def save(self, path: str | Path) -> Path:
        """Write the `.mid` file."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.midi)
        return path


@dataclass(frozen=True)
class GeneratedTune(MidiFile):
    """A tune written by a model: a standard MIDI file."""

    key: str
    mode: str
    bars: int
    tokens: list[int]
    midi: bytes

    def asdict(self) -> dict[str, Any]:
        """Return plain values (the file itself is left out)."""
        values = asdict(self)
        del values["midi"]
        return values

    @staticmethod
    def of(key: int, mode: str, tokens: list[int], notes: Notes) -> GeneratedTune:
        """Return the tune of these tokens."""
        midi = notes.decode(tokens).dumps_midi()
        return GeneratedTune(KEYS[key], mode, notes.bars(tokens), tokens, midi)

    def notes(self) -> list[tuple[float, float, int]]:
        """Return (start, length, pitch) of every note, times in beats."""
        return note_list(self.midi)

    def __str__(self) -> str:
        """Show key, mode and length."""
        return f"{self.key} {self.mode}, {self.bars} bars, {len(self.tokens)} tokens"


def parse(text: str | tuple[int, str]) -> tuple[int, str]:
    """Return (key, mode) of "G major", "f# minor", or "D"; or of that pair itself.

    Raises:
        RecurraError: it names no key or mode.
    """
    match text:
        case (int(key), str(given)) if 0 <= key < len(KEYS) and given in MODES:
            return key, given
    if not isinstance(text, str):
        raise RecurraError(
            f"a {type(text).__name__} is no key and mode; give (7, 'major') or G major"
        )
    name, _, mode = text.strip().partition(" ")
    name = name.replace("♯", "#").replace("♭", "b")
    flats = {"Db": "C#", "Eb": "D#", "Gb": "F#", "Ab": "G#", "Bb": "A#"}
    name = name[:1].upper() + name[1:]
    name = flats.get(name, name)
    mode = mode.strip().lower() or "major"
    if name not in KEYS or mode not in MODES:
        raise RecurraError(f"{text!r} is no key and mode; write G major, f# minor, Bb major")
    return KEYS.index(name), mode
