"""Strings of digits said by a synthesiser: the sample for transcribing. It is synthetic speech."""

import random

import numpy as np

from recurra.data.readers.sound import Wanted
from recurra.data.readers.transcripts import Utterance
from recurra.data.samples.scenes import NAMES
from recurra.data.samples.speech import SPEAKERS, Line, roughen, speak, voices
from recurra.data.splits import Splits
from recurra.training.recipe import Recipe

TAKES = {"train": 15, "valid": 12, "test": 12}  # strings by a voice
LENGTHS = (3, 5)  # digits of a string


def load(recipe: Recipe, wanted: Wanted) -> Splits[Utterance]:
    """Return strings of 3 to 5 digits by 46 / 6 / 12 synthetic voices: 690 / 72 / 144 recordings.

    Each has a speed, a pitch, silence around it, a level and noise of its own. No voice of one
    part is in another. The seed shuffles training only.

    Raises:
        MissingExtra: espeakng-loader or soxr is not installed.
        RecurraError: the synthesiser fails.
    """
    lines = {part: _lines(part) for part in SPEAKERS}
    said = iter(speak([line for part in lines.values() for line in part], wanted.rate))
    parts: dict[str, list[Utterance]] = {}
    for part, its in lines.items():
        noise = np.random.default_rng(list(part.encode()))
        parts[part] = []
        for line, samples in zip(its, said, strict=False):
            sound = roughen(samples, wanted.rate, noise)
            where = f"synthetic/{part}/{line.voice}:{len(parts[part]) + 1}"
            parts[part].append(Utterance(sound, line.text, line.voice, where))
    random.Random(recipe.seed).shuffle(parts["train"])
    return Splits(parts["train"], parts["valid"], parts["test"])


def _lines(part: str) -> list[Line]:
    choice = random.Random(part)
    return [
        Line(
            " ".join(choice.choices(NAMES, k=choice.randint(*LENGTHS))),
            voice,
            choice.randint(110, 240),
            choice.randint(20, 80),
        )
        for voice in voices(part)
        for _ in range(TAKES[part])
    ]
