"""A sound as numbers: frames of samples; and what is said of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from recurra.codecs.heard import settled_at
from recurra.codecs.standard import Standard
from recurra.data.readers.sound import Samples, Wanted, load, of_array
from recurra.data.readers.text import Rows, existing
from recurra.errors import RecurraError
from recurra.training.options import Heard


@dataclass(frozen=True)
class Sounds:
    """Samples to frames, labels to classes; and the scale of the features that the model hears.

    Args:
        labels: the classes' names, in their order.
        hop: samples of a frame.
        max_length: frames that are read of a sound, at most.
        scale: of the features, fitted on the training part.
    """

    labels: list[str]
    hop: int
    max_length: int
    scale: Standard

    def numbers(self, samples: Samples) -> NDArray[np.float32]:
        """Return the frames of samples that are read [time hop]."""
        return framed(samples, self.hop)[: self.max_length]

    def files(self) -> dict[str, str]:
        """Return labels, sizes and scale."""
        stored = {"labels": self.labels, "hop": self.hop, "max_length": self.max_length}
        return {"sound.json": json.dumps({**stored, "scale": self.scale.asdict()})}

    @classmethod
    def from_files(cls: type[C], files: Mapping[str, str]) -> C:
        """Return the codec that wrote these files."""
        stored = json.loads(files["sound.json"])
        scale = Standard.of(stored["scale"])
        return cls(list(stored["labels"]), stored["hop"], stored["max_length"], scale)


C = TypeVar("C", bound=Sounds)


@dataclass(frozen=True)
class SoundPrediction:
    """The class of a sound, the probability of every class, and how that came about.

    Args:
        sound: where it comes from.
        label: the likeliest class.
        probability: of that class.
        probabilities: of every class.
        seconds: how long the sound lasts.
        since: seconds after which nothing more changed the label; None where the model does not
            read one way only, and must hear a sound to its end.
        heard: what was known when: (seconds, probability of every class) at each step.
    """

    sound: str
    label: str
    probability: float
    probabilities: dict[str, float]
    seconds: float
    since: float | None = None
    heard: list[tuple[float, dict[str, float]]] = field(default_factory=list, repr=False)

    @classmethod
    def of(
        cls,
        sound: str,
        seconds: float,
        labels: Sequence[str],
        steps: Sequence[Sequence[float]],
        when: Sequence[float],
    ) -> SoundPrediction:
        """Return the answer of the probabilities at each step.

        Args:
            sound: where it comes from.
            seconds: how long it lasts.
            labels: the classes' names.
            steps: of each, the probabilities so far.
            when: seconds, at each; none: the sound was heard to its end first.
        """
        best, label = max(zip(steps[-1], labels, strict=True))
        named = [dict(zip(labels, p, strict=True)) for p in steps]
        if not when:
            return cls(sound, label, best, named[-1], seconds)
        likeliest = [max(range(len(p)), key=p.__getitem__) for p in steps]
        heard = list(zip(when, named, strict=True))
        return cls(sound, label, best, named[-1], seconds, when[settled_at(likeliest) - 1], heard)

    def asdict(self) -> dict[str, Any]:
        """Return plain values: all but what was heard step by step."""
        values = asdict(self)
        del values["heard"]
        return values

    def __str__(self) -> str:
        """Show label, certainty, since when, and the sound's name."""
        since = "" if self.since is None else f"   since {self.since:.2f} s"
        return f"{self.label:<12} {self.probability:6.1%}{since}   {self.sound}"


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


def framed(samples: Samples, hop: int) -> NDArray[np.float32]:
    """Return samples as frames [time hop], the last one filled up with silence."""
    padded: NDArray[np.float32] = np.pad(samples, (0, -len(samples) % hop))
    return padded.reshape(-1, hop)


def opened(given: Any, position: int, wanted: Wanted) -> Samples:
    """Return the samples of an input: a file, or (samples, rate).

    Raises:
        RecurraError: it is no sound.
    """
    if isinstance(given, str | Path):
        samples = load(existing(given), wanted, Rows())
        assert samples is not None  # a bad one is raised
        return samples
    if isinstance(given, tuple) and len(given) == 2:
        return of_array(*given, wanted)
    kind = type(given).__name__
    raise RecurraError(f"input {position} is a {kind}; give a sound file, or (samples, rate)")


def when(steps: int, late: int, step: float, seconds: float) -> list[float]:
    """Return the seconds after which each step is known.

    Args:
        steps: how many there are.
        late: steps that an answer lags.
        step: how long one lasts, in seconds.
        seconds: of the whole sound.
    """
    return [min((t + 1 + late) * step, seconds) for t in range(steps)]
