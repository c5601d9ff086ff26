"""Synthetic speech: words said by espeak-ng's voices, at any speed and pitch, kept in the cache."""

import json
import subprocess
import sys
from collections.abc import Sequence
from hashlib import blake2b
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from recurra.data.readers.sound import Samples, library
from recurra.data.samples import espeak
from recurra.data.samples.cache import cache_folder, replaced
from recurra.errors import MissingExtra, RecurraError

FORMAT = "recurra speech 1"
PATIENCE = 300  # seconds; a thousand words take one

ACCENTS = ("en-us", "en", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbclan", "en-029")
# Speakers of each part: no voice of one is heard in another.
SPEAKERS = {
    "train": (
        *("m1", "m2", "m3", "m4", "m5", "f1", "f2", "f3", "adam", "aunty", "victor", "belinda"),
        *("benjamin", "boris", "david", "ed", "edward", "ian", "john", "linda", "max", "michel"),
        *("Alex", "Alicia", "Andrea", "Andy", "Denis", "Gene", "Henrique", "Hugo", "Jacky", "Lee"),
        *("Marco", "Mario", "Michael", "Nguyen", "gustave", "antonio", "grandma", "marcelo"),
        *("pablo", "norbert", "quincy", "pedro", "shelby", "sandro"),
    ),
    "valid": ("m6", "f4", "paul", "steph", "miguel", "anika"),
    "test": (
        *("m7", "m8", "f5", "rob", "robert", "travis", "zac", "caleb", "Annie", "Mike", "grandpa"),
        "Diogo",
    ),
}


class Line(NamedTuple):
    """Words, and how they are said.

    Args:
        text: the words.
        voice: an accent, or "accent+speaker".
        speed: words a minute, 80 to 450.
        pitch: 0 to 99.
    """

    text: str
    voice: str
    speed: int
    pitch: int


def speak(lines: Sequence[Line], rate: int) -> list[Samples]:
    """Return what espeak-ng makes of each line, at a rate, full scale 1: synthetic speech.

    The same lines give the same samples. The first call with them takes a millisecond a word, and
    keeps them in the user's cache folder; a damaged cache is written anew.

    Raises:
        MissingExtra: espeakng-loader or soxr is not installed.
        RecurraError: the synthesiser fails.
    """
    path = cache_folder() / f"speech-{_key(lines, rate)}.npz"
    found = _kept(path, len(lines))
    if found is None:
        said, own = _said(lines)
        resample = library("soxr").resample
        found = [
            np.round(resample(one.astype(np.float32), own, rate).clip(-(2**15), 2**15 - 1)).astype(
                np.int16
            )
            for one in said
        ]
        ends = np.cumsum([len(one) for one in found])
        with replaced(path) as temporary, temporary.open("wb") as file:
            np.savez(file, samples=np.concatenate([*found, np.zeros(0, np.int16)]), ends=ends)
    return [(one / np.float32(2**15)).astype(np.float32) for one in found]


def roughen(clean: Samples, rate: int, random: np.random.Generator) -> Samples:
    """Return speech as a room gives it: silence around it, at some level, with white noise.

    Up to 0.15 s on each side, −20 to 0 dB of the level, 15 to 45 dB over the noise.
    """
    before, after = random.integers(0, max(1, round(0.15 * rate)), 2)
    padded = np.pad(clean, (int(before), int(after)))
    level = 10 ** (random.uniform(-20, 0) / 20)
    below = 10 ** (-random.uniform(15, 45) / 20)
    noise = random.standard_normal(len(padded)) * below * float(np.std(clean))
    return ((padded + noise) * level).astype(np.float32)


def voices(part: str) -> list[str]:
    """Return a part's voices: its speakers, each in some accent."""
    speakers = SPEAKERS[part]
    return [f"{ACCENTS[i % len(ACCENTS)]}+{speaker}" for i, speaker in enumerate(speakers)]


def _loader() -> Any:
    try:
        return import_module("espeakng_loader")
    except (ImportError, OSError) as error:
        raise MissingExtra("synthetic speech", "espeakng-loader", "demo") from error


def _key(lines: Sequence[Line], rate: int) -> str:
    try:
        made_by = version("espeakng-loader")
    except PackageNotFoundError:
        made_by = ""
    told = json.dumps([FORMAT, made_by, rate, list(lines)])
    return blake2b(told.encode(), digest_size=8).hexdigest()


def _kept(path: Path, count: int) -> list[NDArray[np.int16]] | None:
    try:
        with np.load(path, allow_pickle=False) as stored:
            samples, ends = stored["samples"], stored["ends"]
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
    sound = samples.dtype == np.int16 and samples.ndim == 1 and ends.shape == (count,)
    if not sound or (count and ends[-1] != len(samples)):
        return None
    return np.split(samples, ends[:-1]) if count else []


def _said(lines: Sequence[Line]) -> tuple[list[NDArray[np.int16]], int]:
    """Return each line's samples, and their rate, from a process that says them all."""
    loader = _loader()
    paths = [str(loader.get_library_path()), str(loader.get_data_path())]
    try:
        process = subprocess.run(
            [sys.executable, espeak.__file__, *paths],
            input=json.dumps(list(lines)).encode(),
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RecurraError(f"the synthesiser espeak-ng does not answer: {error}") from error
    if process.returncode:
        last = process.stderr.decode(errors="replace").strip().splitlines()[-1:]
        reason = "".join(last) or f"it ended with code {process.returncode}"
        raise RecurraError(f"the synthesiser espeak-ng failed: {reason}")
    found, answer, at = [], process.stdout, 4
    while at < len(answer):
        end = at + 4 + 2 * int.from_bytes(answer[at : at + 4], "little")
        found.append(np.frombuffer(answer[at + 4 : end], "<i2").astype(np.int16))
        at = end
    if len(found) != len(lines):
        raise RecurraError(f"the synthesiser espeak-ng said {len(found)} of {len(lines)} lines")
    return found, int.from_bytes(answer[:4], "little")
