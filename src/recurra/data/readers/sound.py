"""Sound files through libsndfile: WAV, FLAC, OGG, MP3 … as one channel of a wanted rate."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recurra.data.readers.text import Rows, existing_file
from recurra.errors import DataError, MissingExtra

SOUNDS = (
    *(".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc"),
    *(".au", ".snd", ".caf", ".w64", ".rf64", ".sph", ".nist"),
)
RATES = (1_000, 768_000)  # Hz
LOUDEST = 1e6  # beside a full scale of 1; beyond it, squares leave what float32 tells apart

Samples = NDArray[np.float32]


class Wanted(NamedTuple):
    """How every sound of a run is read.

    Args:
        rate: samples a second.
        seconds: the longest sound.
        cut: read the beginning of a longer one; else it is a bad row.
    """

    rate: int
    seconds: float
    cut: bool = True


def library(name: str) -> Any:
    """Return soundfile or soxr.

    Raises:
        MissingExtra: it, or the C library that it wraps, is not installed.
    """
    try:
        return import_module(name)
    except (ImportError, OSError) as error:  # OSError: soundfile finds no libsndfile
        raise MissingExtra("reading sound", name, "audio") from error


def is_sound(path: Path) -> bool:
    """Return whether a file is a sound by its ending, and none of the hidden ones."""
    return path.suffix.lower() in SOUNDS and not path.name.startswith(".") and path.is_file()


def load(path: Path, wanted: Wanted, rows: Rows) -> Samples | None:
    """Return a sound file's samples, full scale 1; None if it was bad.

    What is in the file decides, not its name. Channels are averaged, another rate is resampled.

    Raises:
        DataError: it is missing, empty, truncated, no sound, too long or not finite, and `rows`
            does not skip.
        MissingExtra: soundfile or soxr is not installed.
    """
    try:
        samples = _read(path, wanted, rows)
    except _RefusedError as error:
        rows.bad(path, str(error))
    except DataError as error:
        rows.bad(error.path, error.reason)
    except MissingExtra:
        raise
    except Exception as error:  # libsndfile's, of damaged content; its text repeats the path
        words = getattr(error, "error_string", None) or str(error) or type(error).__name__
        reason = words.removeprefix("Error : ").strip().rstrip(".")
        rows.bad(path, f"cannot be read as a sound: {reason[:1].lower()}{reason[1:]}")
    else:
        return rows.shelf.keep(samples)
    return None


def of_array(samples: Any, rate: Any, wanted: Wanted) -> Samples:
    """Return samples [time] or [time channels] of a rate as `load` does.

    Whole numbers are parts of their type's full scale, real ones of 1.

    Raises:
        DataError: they are no such array, empty, too long where `wanted` does not cut, or not
            finite; or the rate is none.
    """
    given = np.asarray(samples)
    if given.dtype.kind not in "iuf" or given.ndim not in (1, 2):
        shape = "×".join(map(str, given.shape)) or "no axes"
        raise DataError("array", f"({given.dtype}, {shape}) is no sound; give [time] numbers")
    if given.ndim == 2 and given.shape[1] > given.shape[0] > 0:
        shape = "×".join(map(str, given.shape))
        raise DataError("array", f"({shape}) has more channels than samples; give [time channels]")
    whole = isinstance(rate, int | np.integer) and not isinstance(rate, bool)
    if not whole and not (isinstance(rate, float) and rate.is_integer()):
        raise DataError("array", f"has a rate of {rate!r}; give a whole number of Hz")
    try:
        _check_rate(int(rate))
        most = _taken(len(given), int(rate), wanted)
        return _settled(_full_scale(given[:most]).reshape(most, -1), int(rate), wanted)
    except _RefusedError as error:
        raise DataError("array", str(error)) from error


class _RefusedError(Exception):
    """Why a sound is not taken."""


def _read(path: Path, wanted: Wanted, rows: Rows) -> Samples:
    with _opened(path) as file:
        _check_rate(file.samplerate)
        frames = _taken(file.frames, file.samplerate, wanted)
        read = file.read(frames, dtype="float32", always_2d=True)
        if len(read) < frames:
            raise _RefusedError(f"is truncated: {len(read):,} of {frames:,} samples are there")
        for text in _told(file, frames, wanted):
            rows.note(path, text)
        return _settled(read, file.samplerate, wanted)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    soundfile = library("soundfile")
    with existing_file(path).open("rb") as plain:
        try:
            opened = soundfile.SoundFile(plain)
        except TypeError as error:  # asks for the rate of a file that is called .raw
            raise _RefusedError("is headerless by its name; give WAV, FLAC or OGG") from error
        with opened as file:
            yield file


def _check_rate(rate: int) -> None:
    if not RATES[0] <= rate <= RATES[1]:
        raise _RefusedError(f"has a rate of {rate:,} Hz; {RATES[0]:,} to {RATES[1]:,} are taken")


def _taken(frames: int, rate: int, wanted: Wanted) -> int:
    """Return how many of a sound's samples are read."""
    if frames == 0:
        raise _RefusedError("holds 0 samples")
    most = max(1, round(wanted.seconds * rate))
    if frames > most and not wanted.cut:
        raise _RefusedError(
            f"lasts {frames / rate:,.1f} s; at most {wanted.seconds:,g} s is taken (--max-length)"
        )
    return min(frames, most)


def _told(file: Any, taken: int, wanted: Wanted) -> Iterator[str]:
    """Yield what is assumed of a file."""
    if file.channels > 1:
        yield "has several channels; their mean is read, here as elsewhere"
    if file.samplerate != wanted.rate:
        yield f"has {file.samplerate:,} Hz; resampled to {wanted.rate:,}, here as elsewhere"
    if file.frames > taken:
        most = f"{wanted.seconds:g} s"
        yield f"is over {most}; its beginning is read (--max-length), here as elsewhere"
    if any("data" in line and "should be" in line for line in file.extra_info.splitlines()):
        yield "says it is longer than it is (cut off, or never closed); read as far as it goes"


def _full_scale(given: NDArray[Any]) -> NDArray[Any]:
    """Return numbers as parts of full scale."""
    if given.dtype.kind == "f":
        return given
    half = 2.0 ** (8 * given.dtype.itemsize - 1)
    middle = half if given.dtype.kind == "u" else 0.0  # unsigned samples rest at half
    return (given.astype(np.float64) - middle) / half


def _settled(read: NDArray[Any], rate: int, wanted: Wanted) -> Samples:
    """Return [time channels] as one channel of the rate that is wanted."""
    if not np.isfinite(read).all():
        raise _RefusedError("holds samples that are no finite numbers")
    if (peak := float(np.abs(read).max())) > LOUDEST:
        raise _RefusedError(f"holds samples up to {peak:.3g}; full scale is 1")
    mono = read.mean(axis=1, dtype=np.float64).astype(np.float32)
    if rate != wanted.rate:
        mono = library("soxr").resample(mono, rate, wanted.rate)
        if len(mono) == 0:
            raise _RefusedError(f"is too short to be resampled to {wanted.rate:,} Hz")
    return np.ascontiguousarray(mono, dtype=np.float32)
