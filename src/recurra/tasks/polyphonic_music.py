"""Which notes sound next: many-to-many equal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

import torch
from torch import nn

from recurra.codecs.rolls import opened
from recurra.data.readers import rolls
from recurra.data.rolls import KEYS, Roll
from recurra.data.samples import chorales
from recurra.data.splits import Splits
from recurra.errors import RecurraError
from recurra.layers import PlaneConvolution
from recurra.layers.dropout import Dropout
from recurra.reports import Part
from recurra.tasks.body import body
from recurra.tasks.codecs.rolls import Continuation, RollCodec
from recurra.tasks.evaluation import collect, mean_loss
from recurra.tasks.keys import KeyHead, beside
from recurra.tasks.next_frame import NextFrame
from recurra.tasks.review import of_pieces
from recurra.tasks.sounding import accuracy, answer_of, by_chances, chances
from recurra.tasks.streams.rolls import Rolls
from recurra.tasks.task import Task
from recurra.topologies import NADE, Bernoulli
from recurra.topologies.sets import Sets
from recurra.training.options import Body, Continued
from recurra.training.values import COUNT, SIZE, option


@dataclass(frozen=True, kw_only=True)
class RollRecipe(Body, Continued):
    """Options of foretelling notes."""

    steps_per_beat: int = option("data", 1, "steps of a quarter note, in MIDI files", SIZE)
    output: Literal["independent", "joint"] = option(
        "model", "joint", "each key on its own, or after those below it (NADE)"
    )
    neighbours: int = option(
        "model",
        0,
        "keys on each side, by whose last steps each key is foretold too; 0: none",
        COUNT,
    )
    past: int = option("model", 4, "last steps of the neighbours that are looked at", SIZE)
    filters: int = option("model", 64, "patterns that are looked for among the neighbours", SIZE)
    transpose: int = option(
        "regularisation", 0, "half tones that training moves a piece up or down, at most", COUNT
    )


def read(recipe: RollRecipe) -> Splits[Roll]:
    """Return the user's pieces, or Bach's chorales."""
    if recipe.data:
        return rolls.read(recipe, recipe.steps_per_beat)
    tunes = chorales.load(recipe)
    return rolls.of_splits(tunes, recipe.steps_per_beat)


def fit(train: Sequence[Roll], recipe: RollRecipe) -> RollCodec:
    """Return the settings; nothing is learned."""
    return RollCodec(recipe.steps_per_beat, recipe.max_length)


def build(codec: RollCodec, recipe: RollRecipe) -> nn.Module:
    """Return a linear map of the keys, the body, and an output of all keys.

    With neighbours, the keys themselves go beside the body, to be looked at around each.

    Raises:
        RecurraError: it is said how to look at neighbours, but not at how many.
    """
    for field in fields(RollRecipe):
        given = getattr(recipe, field.name)
        if field.name in ("past", "filters") and given != field.default and not recipe.neighbours:
            raise RecurraError(f"{field.name} {given}: no neighbours are looked at; set neighbours")
    output = Bernoulli(KEYS) if recipe.output == "independent" else NADE(KEYS, recipe.hidden)
    layers = body(recipe, recipe.embedding)
    embed = nn.Sequential(nn.Linear(KEYS, recipe.embedding), nn.ReLU(), Dropout(recipe.dropout))
    if recipe.neighbours:
        near = PlaneConvolution(KEYS, recipe.filters, recipe.past, recipe.neighbours)
        keys = KeyHead(layers.output_size, recipe.filters, output.size, recipe.dropout)
        layers = beside(embed, recipe.embedding, layers, near)
        return NextFrame(nn.Identity(), layers, keys, output, recipe.transpose)
    head = nn.Sequential(Dropout(recipe.dropout), nn.Linear(layers.output_size, output.size))
    return NextFrame(embed, layers, head, output, recipe.transpose)


def validate(
    network: nn.Module, codec: RollCodec, rows: Sequence[Roll], recipe: RollRecipe
) -> dict[str, float]:
    """Return −log p of a step after those before it, in nats."""
    loss = mean_loss(network, codec, rows, size=recipe.batch_size)["loss"]
    return {"nll": loss, "loss": loss}


def evaluate(
    network: NextFrame, codec: RollCodec, rows: Sequence[Roll], recipe: RollRecipe
) -> dict[str, float]:
    """Return −log p of a step in nats, and the accuracy of the likeliest notes."""
    found = collect(network, codec, rows, lambda batch: network.predict(batch.x, batch.lengths))
    wanted = [codec.encode(row)[1].numpy() for row in rows]
    said = [answer_of(steps) for steps in found]
    return {**validate(network, codec, rows, recipe), "accuracy": accuracy(said, wanted)}


def baseline(
    codec: RollCodec, train: Sequence[Roll], test: Sequence[Roll], recipe: RollRecipe
) -> dict[str, float]:
    """Return what each key reaches that sounds as often as in training."""
    return by_chances(codec, chances(codec, train, after=False), test)


def peers(
    codec: RollCodec, train: Sequence[Roll], test: Sequence[Roll], recipe: RollRecipe
) -> dict[str, dict[str, float]]:
    """Return what each key reaches that goes on, or begins, as often as in training."""
    return {"keys that go on": by_chances(codec, chances(codec, train, after=True), test)}


def predict(
    network: NextFrame, codec: RollCodec, inputs: Sequence[str | Path], recipe: RollRecipe
) -> list[Continuation]:
    """Return how each piece goes on: the first of a file, MIDI, MATLAB or JSON.

    Raises:
        RecurraError: a file cannot be used.
    """
    found = []
    for number, path in enumerate(inputs, 1):
        roll = opened(path, number, recipe, codec.steps)
        found.append(continued(network, codec, roll, str(path), recipe))
    return found


@torch.inference_mode()
def continued(
    network: NextFrame, codec: RollCodec, roll: Roll, where: str, recipe: RollRecipe
) -> Continuation:
    """Return how one piece goes on, drawn step by step."""
    device = next(network.parameters()).device
    generator = torch.Generator(device).manual_seed(recipe.seed)
    frames = torch.from_numpy(roll.frames).float().to(device)
    y, state = network.body(network.embed(frames[None]))
    output = network.output
    assert isinstance(output, Sets)
    scores = network.head(y)[0]
    nll = float(output.nll(scores[:-1], frames[1:]).mean()) if len(frames) > 1 else 0.0
    drawn = []
    for _ in range(recipe.length):
        drawn.append(output.draw(scores[-1:], generator, recipe.temperature))
        y, state = network.body(network.embed(drawn[-1][None]), state)
        scores = network.head(y)[0]
    follows = torch.cat(drawn).cpu().numpy()
    return Continuation.of(where, roll.frames, nll, follows, codec.steps)


def review(
    network: nn.Module, codec: RollCodec, rows: Sequence[Roll], recipe: RollRecipe
) -> list[Part]:
    """Return the loss of each piece."""
    return of_pieces(network, codec, rows, "steps")


POLYPHONIC_MUSIC = Task(
    name="polyphonic_music",
    type="many-to-many equal",
    summary="Which notes sound next, many at a time.",
    reads="MATLAB or JSON piano-rolls, or MIDI files: one, a folder or a .zip of them",
    example="chorale.mid",
    recipe=RollRecipe,
    read=read,
    codec=RollCodec.from_files,
    fit=fit,
    build=build,
    validate=validate,
    criterion="nll",
    evaluate=evaluate,
    metric="nll",
    sample_metric="nll",
    baseline=baseline,
    parse=Path,
    predict=predict,
    review=review,
    stream=lambda network, _, recipe: Rolls(network),
    peers=peers,
    defaults={
        "hidden": 256,
        "embedding": 128,
        "max_length": 4096,
        "batch_size": 8,
        "dropout": 0.4,
        "epochs": 60,
    },
    presets={
        "quality": {
            "neighbours": 12,
            "dropout": 0.5,
            "weight_decay": 0.1,
            "learning_rate": 8e-3,
            "schedule": "constant",
            "average": 0.998,
            "patience": 0,
            "epochs": 50,
        }
    },
    sample_defaults={"epochs": 12, "dropout": 0.2, "learning_rate": 4e-3},
)
