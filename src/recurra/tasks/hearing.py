"""From samples to what a recurrent body reads: frames, spectrum, scale, and what hides parts."""

from collections.abc import Sequence

import numpy as np
import torch

from recurra.codecs.sounds import framed, hop, samples_of, wanted
from recurra.codecs.standard import Standard
from recurra.data.readers.sound import Samples
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

__all__ = ["framed", "front", "hop", "samples_of", "scale_of", "spectrum", "wanted"]

MOST = 2000  # sounds that a scale is fitted on
HIDDEN = 0.2  # most of a sound's steps that one mask takes


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
        frames = (torch.from_numpy(framed(sounds[i], layer.hop)) for i in chosen)
        heard = (layer(one[None])[0][0].numpy() for one in frames)
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
