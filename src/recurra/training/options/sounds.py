"""How sounds are heard, and how they are made harder to hear."""

from __future__ import annotations

from dataclasses import dataclass

from recurra.training.options.layers import Body
from recurra.training.recipe import Recipe
from recurra.training.values import AMOUNT, COUNT, DEPTH, HERTZ, MILLISECONDS, SHARE, SIZE, option


@dataclass(frozen=True, kw_only=True)
class Heard(Body):
    """Sounds are read as frames of samples, and heard as energies in bands of frequencies."""

    sample_rate: int = option(
        "model", 16000, "samples a second; sounds of another rate are resampled", HERTZ
    )
    hop_ms: float = option("model", 10.0, "milliseconds of sound in a step", MILLISECONDS)
    window_ms: float = option(
        "model", 25.0, "milliseconds, up to a step's end, that its spectrum is of", MILLISECONDS
    )
    bands: int = option("model", 40, "bands of the spectrum, evenly on the mel scale", SIZE)
    coefficients: int = option(
        "model", 0, "of the bands' cepstrum (MFCC), heard in the bands' place; 0: the bands", COUNT
    )
    kernel: int = option(
        "model", 5, "steps, back from each, that become its features by convolution", DEPTH
    )


@dataclass(frozen=True, kw_only=True)
class Roughened(Recipe):
    """Sounds are made harder to hear in training."""

    noise: float = option(
        "regularisation", 0.0, "loudest white noise beside the sound; 0.1: 20 dB below it", AMOUNT
    )
    gain_db: float = option("regularisation", 0.0, "louder or softer by up to so many dB", AMOUNT)
    shift_ms: float = option("regularisation", 0.0, "earlier or later by up to so many ms", AMOUNT)
    stretch: float = option(
        "regularisation", 0.0, "faster and higher, or slower and lower, by up to this share", SHARE
    )
    mask_bands: int = option(
        "regularisation", 0, "SpecAugment: most features hidden at once, twice in a sound", COUNT
    )
    mask_frames: int = option(
        "regularisation", 0, "SpecAugment: most steps hidden at once, twice in a sound", COUNT
    )
