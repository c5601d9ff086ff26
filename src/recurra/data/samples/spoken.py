"""Digits said by a synthesiser: the sample for labelling sounds. It is synthetic speech."""

import random

import numpy as np

from recurra.data.readers.sounds import LabelledSound
from recurra.data.samples.scenes import NAMES
from recurra.data.samples.speech import SPEAKERS, Line, roughen, speak, voices
from recurra.data.splits import Splits
from recurra.training.options import Heard

TAKES = 3  # of a digit by a voice


def load(recipe: Heard) -> Splits[LabelledSound]:
    """Return zero to nine by synthetic voices, each three times: 1,380 / 180 / 360 sounds.

    Every take has a speed, a pitch, silence around it, a level and noise of its own. The 46
    voices of training are in no other part, which have 6 and 12. The seed shuffles training only.

    Raises:
        MissingExtra: espeakng-loader or soxr is not installed.
        RecurraError: the synthesiser fails.
    """
    lines = {part: _lines(part) for part in SPEAKERS}
    said = iter(speak([line for part in lines.values() for line in part], recipe.sample_rate))
    most = recipe.max_length * round(recipe.hop_ms * recipe.sample_rate / 1000)
    parts: dict[str, list[LabelledSound]] = {}
    for part, its in lines.items():
        noise = np.random.default_rng(list(part.encode()))
        parts[part] = []
        for line, samples in zip(its, said, strict=False):
            sound = roughen(samples, recipe.sample_rate, noise)[:most]
            where = f"synthetic/{part}/{line.voice}:{len(parts[part]) + 1}"
            parts[part].append(LabelledSound(sound, line.text, b"", where))
    random.Random(recipe.seed).shuffle(parts["train"])
    return Splits(parts["train"], parts["valid"], parts["test"])


def _lines(part: str) -> list[Line]:
    choice = random.Random(part)
    return [
        Line(digit, voice, choice.randint(110, 260), choice.randint(20, 80))
        for voice in voices(part)
        for digit in NAMES
        for _ in range(TAKES)
    ]
