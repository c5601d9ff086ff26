"""The label of a sound, a word, a speaker, a bird: many-to-one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from recurra.codecs.sounds import opened, when
from recurra.data.batch import Labelled
from recurra.data.readers import sounds
from recurra.data.readers.sounds import LabelledSound
from recurra.data.samples import spoken
from recurra.data.splits import Splits
from recurra.layers import Dropout, Stack
from recurra.reports import Lines, Part
from recurra.tasks import hearing
from recurra.tasks.body import body, pool
from recurra.tasks.codecs.sounds import Frames, SoundCodec, SoundPrediction
from recurra.tasks.evaluation import (
    batches,
    collect,
    evaluate_labels,
    label_baseline,
)
from recurra.tasks.review import of_labels
from recurra.tasks.streams.sounds import Sounds
from recurra.tasks.task import Items, Task
from recurra.topologies import ManyToOne
from recurra.training.options import Classes, Heard, Pooled, Roughened, SoundTable


@dataclass(frozen=True, kw_only=True)
class AudioRecipe(SoundTable, Heard, Pooled, Roughened, Classes):
    """Options of labelling sounds."""


def read(recipe: AudioRecipe) -> Splits[LabelledSound]:
    """Return the user's sounds, or synthetic digits."""
    hearing.spectrum(recipe)  # refuses sizes that do not fit before anything is read
    return sounds.read(recipe, hearing.wanted(recipe)) if recipe.data else spoken.load(recipe)


def fit(train: Sequence[LabelledSound], recipe: AudioRecipe) -> SoundCodec:
    """Return labels, and the scale of these sounds' features."""
    scale = hearing.scale_of([row.samples for row in train], recipe)
    return SoundCodec(sounds.names(train), hearing.hop(recipe), recipe.max_length, scale)


def items(codec: SoundCodec, rows: Sequence[LabelledSound], recipe: AudioRecipe) -> Items:
    """Return every sound as one item."""
    return Frames(codec, rows)


def build(codec: SoundCodec, recipe: AudioRecipe) -> nn.Module:
    """Return spectrum, scale, recurrent body, pooling and a linear head, from samples on."""
    heard = hearing.front(recipe, codec.scale)
    layers = body(recipe, heard[-1].output_size)
    head = nn.Sequential(Dropout(recipe.dropout), nn.Linear(layers.output_size, len(codec.labels)))
    whole = Stack(*heard, layers)
    return ManyToOne(nn.Identity(), whole, pool(recipe, layers.output_size), head)


def predict(
    network: ManyToOne,
    codec: SoundCodec,
    inputs: Sequence[Any],
    recipe: AudioRecipe,
) -> list[SoundPrediction]:
    """Return label and probabilities of each sound: a file, or (samples, rate).

    Raises:
        RecurraError: a file is no sound, or samples are none.
    """
    wanted = hearing.wanted(recipe)
    rows = [
        LabelledSound(
            opened(one, i, wanted), "", b"", str(one) if isinstance(one, str | Path) else "array"
        )
        for i, one in enumerate(inputs, 1)
    ]
    answers: list[SoundPrediction | None] = [None] * len(rows)
    for numbers, batch in batches(network, codec, rows, recipe.batch_size):
        steps = as_heard(network, batch)
        for number, length, p in zip(numbers, batch.lengths.tolist(), steps, strict=True):
            answers[number] = _answer(codec, rows[number], p[:length].tolist(), recipe, network)
    return [answer for answer in answers if answer is not None]


@torch.inference_mode()
def as_heard(network: ManyToOne, batch: Labelled) -> Tensor:
    """Return the probabilities of the classes at every step [batch time classes].

    Each is what the network says of the sound up to there; one that reads backward too says at
    every step what it says of the whole.
    """
    if not network.body.streams:
        p: Tensor = network(batch.x, batch.lengths).softmax(-1)
        return p[:, None].expand(-1, batch.x.shape[1], -1)
    return network.heard(batch.x, batch.lengths).softmax(-1)


def _answer(
    codec: SoundCodec,
    row: LabelledSound,
    steps: list[list[float]],
    recipe: AudioRecipe,
    network: ManyToOne,
) -> SoundPrediction:
    seconds = len(row.samples) / recipe.sample_rate
    times = (
        when(len(steps), network.body.delay, codec.hop / recipe.sample_rate, seconds)
        if network.body.streams
        else []
    )
    return SoundPrediction.of(row.where, seconds, codec.labels, steps, times)


def review(
    network: ManyToOne, codec: SoundCodec, rows: Sequence[LabelledSound], recipe: AudioRecipe
) -> list[Part]:
    """Return what was taken for what, and the sounds of the most confident mistakes."""

    def likely(batch: Labelled) -> Any:
        return network(batch.x, batch.lengths).softmax(-1).tolist()

    return of_labels(
        codec.labels,
        [row.label for row in rows],
        collect(network, codec, rows, likely),
        lambda i: Lines(rows[i].samples[:, None]),
        [row.where for row in rows],
        [len(row.samples) / recipe.sample_rate for row in rows],
        "seconds",
    )


AUDIO_CLASSIFICATION = Task(
    name="audio_classification",
    type="many-to-one",
    summary="The label of a sound: the word, the speaker, or what it is of.",
    reads="a folder of class folders, or a manifest (path, label), of WAV, FLAC, OGG or MP3",
    example="seven.wav",
    recipe=AudioRecipe,
    read=read,
    codec=SoundCodec.from_files,
    fit=fit,
    build=build,
    validate=evaluate_labels,
    criterion="loss",  # a small validation part is soon all right, and the model still learns
    evaluate=evaluate_labels,
    metric="accuracy",
    sample_metric="accuracy",
    baseline=label_baseline,
    parse=Path,
    predict=predict,
    review=review,
    stream=lambda network, codec, recipe: Sounds(network, codec, recipe.sample_rate),
    items=items,
    defaults={
        "max_length": 1000,
        "dropout": 0.3,
        "mask_bands": 6,
        "mask_frames": 10,
        "noise": 0.1,
        "gain_db": 6.0,
        "shift_ms": 20.0,
    },
    sample_defaults={
        "sample_rate": 8000,
        "hop_ms": 16.0,
        "window_ms": 32.0,
        "hidden": 96,
        "layers": 2,
        "stretch": 0.15,
        "epochs": 10,
        "learning_rate": 4e-3,
    },
)
