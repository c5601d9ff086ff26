"""Sound out of MIDI files, where FluidSynth with a soundfont, or TiMidity++, is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import wave
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from recurra.errors import RecurraError
from recurra.storage import reason

SECONDS = 120.0  # of one piece, at most
RATE = 44_100
FONTS = ("*.sf2", "*.sf3", "*.SF2")
MISSING = "no sound: install fluidsynth and a soundfont (SOUNDFONT names its file), or timidity"


class Synthesiser(NamedTuple):
    """A program that makes sound of a MIDI file.

    Args:
        program: its path.
        font: the soundfont, of FluidSynth; none: TiMidity++ has its own.
    """

    program: str
    font: str | None

    def command(self, midi: Path, wav: Path) -> list[str]:
        """Return the program with its arguments."""
        if self.font is None:
            return [self.program, "-Ow", "-s", str(RATE), "-o", str(wav), str(midi)]
        return [self.program, "-ni", "-F", str(wav), "-r", str(RATE), self.font, str(midi)]

    def render(self, midi: Path, wav: Path, seconds: float = SECONDS) -> Path:
        """Write the sound of a MIDI file as a .wav file.

        Raises:
            RecurraError: the program failed, wrote nothing, or took too long.
        """
        # absolute, so that no name is read as an option; and half of a file stays nowhere
        midi, wav = midi.resolve(), wav.resolve()
        part = wav.with_name(f".{wav.stem}.part.wav")
        name = Path(self.program).name
        try:
            done = subprocess.run(
                self.command(midi, part),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=seconds,
                check=False,
            )
            if done.returncode or not part.exists():
                said = done.stderr.decode("utf-8", "replace").strip().splitlines()
                last = f": {said[-1].strip()[:200]}" if said else ""
                raise RecurraError(f"{name} made no sound of {midi}{last}")
            if silent(part):  # what FluidSynth makes of a font that is none, without a word
                raise RecurraError(f"{name} made only silence of {midi}; {self._doubt()}")
            part.replace(wav)
        except subprocess.TimeoutExpired as error:
            raise RecurraError(f"{name} took over {seconds:g} s for {midi}; no sound") from error
        except OSError as error:
            raise RecurraError(f"{name} cannot be used: {reason(error)}") from error
        finally:
            part.unlink(missing_ok=True)
        return wav

    def _doubt(self) -> str:
        return f"is {self.font} a soundfont?" if self.font else "are its patches installed?"


def silent(path: Path) -> bool:
    """Return whether a WAV file holds no sound, or is none."""
    try:
        with wave.open(str(path)) as file:
            while frames := file.readframes(RATE):
                if any(frames):
                    return False
    except (wave.Error, EOFError):
        return True
    return True


def places() -> list[Path]:
    """Return the folders in which soundfonts are usually installed."""
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share"
    usual = ["/usr/share", "/usr/local/share", "/opt/homebrew/share", data]
    kinds = ["sounds/sf2", "sounds/sf3", "soundfonts", "fluid-synth/sf2"]
    return [Path(root) / kind for root in usual for kind in kinds]


def soundfont(folders: Iterable[Path]) -> str | None:
    """Return the file that SOUNDFONT names, or a font of these folders: a default one, if any.

    Raises:
        RecurraError: SOUNDFONT names no file.
    """
    named = os.environ.get("SOUNDFONT")
    if named:
        if not Path(named).is_file():
            raise RecurraError(f"SOUNDFONT: {named} is no file")
        return str(Path(named).resolve())
    fonts = [
        font
        for folder in folders
        for ending in FONTS
        for font in sorted(folder.glob(ending))
        if font.is_file()
    ]
    usual = [font for font in fonts if font.stem.lower().startswith("default")]
    return str([*usual, *fonts][0]) if fonts else None


def find(folders: Sequence[Path] | None = None) -> Synthesiser | None:
    """Return what makes sound here; none where nothing does.

    Raises:
        RecurraError: SOUNDFONT names no file.
    """
    fluid, font = shutil.which("fluidsynth"), soundfont(places() if folders is None else folders)
    if fluid and font:
        return Synthesiser(fluid, font)
    timidity = shutil.which("timidity")
    return Synthesiser(timidity, None) if timidity else None
