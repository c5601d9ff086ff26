"""From samples to what a recurrent body reads: frames, spectrum, scale, and what hides parts."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recurra.codecs.standard import Standard
from recurra.data.readers.sound import Samples, Wanted
from recurra.errors import RecurraError
from recurra.layers import (
    Cepstrum,
    Convolution,
    FixedScale,
    Layer,
    LogMel,
    SpecAugment,
    WaveAugment,
)
from recurra.training.options import Heard, Roughened

MOST = 2000  # sounds that a scale is fitted on
HIDDEN = 0.2  # most of a sound's steps that one mask takes


def samples_of(milliseconds: float, recipe: Heard) -> int:
    """Return a time in samples, one at least."""
    return max(1, round(milliseconds * recipe.sample_rate / 1000))


def hop(recipe: Heard) -> int:
    """Return the samples of a step."""
    return samples_of(recipe.hop_ms, recipe)


def wanted(recipe: Heard, *, cut: bool = True) -> Wanted:
    """Return how sounds are read: the recipe's rate, and as many steps as it takes."""
    seconds = recipe.max_length * hop(recipe) / recipe.sample_rate
    return Wanted(recipe.sample_rate, seconds, cut)


def framed(samples: Samples, hop: int) -> Tensor:
    """Return samples as frames [time hop], the last one filled up with silence."""
    padded: NDArray[np.float32] = np.pad(samples, (0, -len(samples) % hop))
    return torch.from_numpy(padded.reshape(-1, hop))


def spectrum(recipe: Heard) -> LogMel:
    """Return the layer that hears frames of samples.

    Raises:
        RecurraError: its sizes do not fit each other.
    """
    rate, window = recipe.sample_rate, samples_of(recipe.window_ms, recipe)
    try:
        if recipe.coefficients:
            return Cepstrum(rate, hop(recipe), window, recipe.bands, recipe.coefficients)
        return LogMel(rate, hop(recipe), window, recipe.bands)
    except ValueError as error:
        raise RecurraError(f"this recipe makes no model: {error}") from error


def scale_of(sounds: Sequence[Samples], recipe: Heard) -> Standard:
    """Return the scale of the features of sounds: of the training part, and nothing else.

    Of more than 2,000 sounds, so many are heard, evenly chosen.

    Raises:
        RecurraError: the recipe's sizes do not fit each other.
    """
    layer = spectrum(recipe)
    chosen = np.linspace(0, len(sounds) - 1, min(len(sounds), MOST)).round().astype(int)
    with torch.no_grad():
        heard = (layer(framed(sounds[i], layer.hop)[None])[0][0].numpy() for i in chosen)
        return Standard.fit(list(heard))


def front(recipe: Heard, scale: Standard) -> list[Layer]:
    """Return the layers from frames of samples to features, to stand below a body.

    Raises:
        RecurraError: the recipe's sizes do not fit each other.
    """
    heard = spectrum(recipe)
    scaled = FixedScale(scale.mean, scale.deviation)
    features = Convolution(heard.output_size, recipe.embedding, recipe.kernel, normed=False)
    if not isinstance(recipe, Roughened):
        return [heard, scaled, features]
    wave = WaveAugment(
        heard.hop,
        noise=recipe.noise,
        gain=recipe.gain_db,
        shift=round(recipe.shift_ms * recipe.sample_rate / 1000),
        stretch=recipe.stretch,
    )
    hidden = SpecAugment(heard.output_size, recipe.mask_bands, recipe.mask_frames, HIDDEN)
    return [wave, heard, scaled, hidden, features]
