"""Sound files that tests are tried on."""

from pathlib import Path

import numpy as np
import soundfile

RATE = 8000


def tone(seconds: float = 0.25, pitch: float = 440.0, rate: int = RATE) -> np.ndarray:
    """Return a sine of half of full scale."""
    return 0.5 * np.sin(2 * np.pi * pitch * np.arange(round(seconds * rate)) / rate)


def write(path: Path, samples: np.ndarray, rate: int = RATE, **options: str) -> Path:
    """Write a sound; the format is by the name, or an option."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        kind = options.pop("format", None) or path.suffix[1:].upper()
        soundfile.write(file, samples, rate, format=kind, **options)
    return path


def truncate(path: Path, share: float = 0.5) -> Path:
    """Cut a file off."""
    content = path.read_bytes()
    path.write_bytes(content[: round(len(content) * share)])
    return path
