"""A sound and its label as tensors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor

from recurra.codecs.standard import Standard
from recurra.data.batch import Labelled
from recurra.data.readers.sounds import LabelledSound
from recurra.tasks.evaluation import lengths, pad
from recurra.tasks.hearing import framed
from recurra.tasks.task import Codec


@dataclass(frozen=True)
class SoundCodec:
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

    def encode(self, example: LabelledSound) -> tuple[Tensor, Tensor]:
        """Return frames of samples and class (−1 where the label is unknown)."""
        label = self.labels.index(example.label) if example.label in self.labels else -1
        return framed(example.samples, self.hop)[: self.max_length], torch.tensor(label)

    def collate(self, items: Sequence[tuple[Tensor, ...]]) -> Labelled:
        """Return a padded batch."""
        sounds, labels = zip(*items, strict=True)
        return Labelled(pad(sounds), lengths(sounds), torch.stack(labels))

    def files(self) -> dict[str, str]:
        """Return labels, sizes and scale."""
        stored = {"labels": self.labels, "hop": self.hop, "max_length": self.max_length}
        return {"sound.json": json.dumps({**stored, "scale": self.scale.asdict()})}

    @classmethod
    def from_files(cls, files: Mapping[str, str]) -> SoundCodec:
        """Return the codec that wrote these files."""
        stored = json.loads(files["sound.json"])
        scale = Standard.of(stored["scale"])
        return cls(list(stored["labels"]), stored["hop"], stored["max_length"], scale)


class Frames(Sequence[tuple[Tensor, ...]]):
    """Examples that are encoded when they are asked for: samples are in memory once."""

    def __init__(self, codec: Codec, examples: Sequence[Any]) -> None:
        self.codec, self.examples = codec, examples

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, row: Any) -> Any:
        return self.codec.encode(self.examples[row])


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

    def asdict(self) -> dict[str, Any]:
        """Return plain values: all but what was heard step by step."""
        values = asdict(self)
        del values["heard"]
        return values

    def __str__(self) -> str:
        """Show label, certainty, since when, and the sound's name."""
        since = "" if self.since is None else f"   since {self.since:.2f} s"
        return f"{self.label:<12} {self.probability:6.1%}{since}   {self.sound}"
