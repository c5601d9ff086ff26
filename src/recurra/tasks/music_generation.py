"""Music from a key and a mode: one-to-many."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from recurra.data.music import KEYS, MODES, Notes
from recurra.data.readers import midi
from recurra.data.readers.midi import Tune
from recurra.data.samples import chorales
from recurra.data.splits import Splits
from recurra.decoding import sample
from recurra.reports import Part
from recurra.tasks.body import body
from recurra.tasks.codecs.tunes import GeneratedTune, MusicCodec, parse
from recurra.tasks.evaluation import mean_loss, unigram_loss
from recurra.tasks.review import of_pieces
from recurra.tasks.task import Task, Tell
from recurra.topologies import Decoder, OneToMany, Writer
from recurra.training.options import Body, Classes, Sampled, Taught


class Attributes(nn.Module):
    """Key and mode as one vector."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.key, self.mode = nn.Embedding(len(KEYS), size), nn.Embedding(len(MODES), size)

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum of both embeddings."""
        vector: Tensor = self.key(x[:, 0]) + self.mode(x[:, 1])
        return vector


@dataclass(frozen=True, kw_only=True)
class MusicRecipe(Body, Taught, Sampled, Classes):
    """Options of writing tunes."""


def read(recipe: MusicRecipe) -> Splits[Tune]:
    """Return the user's MIDI files, or Bach's chorales."""
    return midi.read(recipe) if recipe.data else chorales.load(recipe)


def fit(train: Sequence[Tune], recipe: MusicRecipe) -> MusicCodec:
    """Return the tokenizer; its vocabulary is fixed."""
    return MusicCodec(Notes(), recipe.max_length)


def build(codec: MusicCodec, recipe: MusicRecipe) -> nn.Module:
    """Return an embedding of the attributes, and a decoder conditioned on it."""
    size = 16
    layers = body(recipe, recipe.embedding + size, bidirectional=False)
    decoder = Decoder(
        len(codec.notes),
        recipe.embedding,
        layers,
        context_size=size,
        attention=None,
        dropout=recipe.dropout,
    )
    return OneToMany(Attributes(size), decoder)


def evaluate(
    network: nn.Module, codec: MusicCodec, rows: Sequence[Tune], recipe: MusicRecipe
) -> dict[str, float]:
    """Return the negative log likelihood per token, in nats."""
    loss = mean_loss(network, codec, rows, size=recipe.batch_size)["loss"]
    return {"nll": loss, "perplexity": math.exp(min(loss, 50.0)), "loss": loss}


def baseline(
    codec: MusicCodec, train: Sequence[Tune], test: Sequence[Tune], recipe: MusicRecipe
) -> dict[str, float]:
    """Return what the unigram model reaches: every token by its training frequency."""
    unigram = unigram_loss(codec, train, test)
    return {"nll": unigram, "perplexity": math.exp(unigram), "loss": unigram}


def predict(
    network: Writer, codec: MusicCodec, inputs: Sequence[tuple[int, str] | str], recipe: MusicRecipe
) -> list[GeneratedTune]:
    """Return one tune per (key, mode), sampled with the recipe's temperature, top-k and top-p."""
    randomness = torch.Generator(next(network.parameters()).device).manual_seed(recipe.seed)
    return _tunes(network, codec, [parse(one) for one in inputs], recipe, randomness)


def write(
    network: Writer,
    codec: MusicCodec,
    prompts: Sequence[tuple[int, str] | str],
    recipe: MusicRecipe,
    tell: Tell,
) -> Iterator[GeneratedTune]:
    """Yield one tune per (key, mode), sampled likewise; each token is told by its name."""
    randomness = torch.Generator(next(network.parameters()).device).manual_seed(recipe.seed)
    for one in [parse(one) for one in prompts]:
        yield from _tunes(network, codec, [one], recipe, randomness, tell)


def _tunes(
    network: Writer,
    codec: MusicCodec,
    wanted: Sequence[tuple[int, str]],
    recipe: MusicRecipe,
    randomness: torch.Generator,
    tell: Tell | None = None,
) -> list[GeneratedTune]:
    context = torch.tensor(
        [[key, MODES.index(mode)] for key, mode in wanted], device=randomness.device
    )

    def told(tokens: list[int]) -> None:
        if tell is not None:
            tell(codec.notes.name(tokens[0]))

    written = sample(
        network,
        (context,),
        start=codec.notes.start,
        end=codec.notes.end,
        max_steps=recipe.max_length,
        temperature=recipe.temperature,
        top_k=recipe.top_k,
        top_p=recipe.top_p,
        generator_seed=randomness,
        tell=told,
    )
    return [
        GeneratedTune.of(key, mode, tune.tokens, codec.notes)
        for (key, mode), tune in zip(wanted, written, strict=True)
    ]


def review(
    network: nn.Module, codec: MusicCodec, rows: Sequence[Tune], recipe: MusicRecipe
) -> list[Part]:
    """Return the loss of each piece."""
    return of_pieces(network, codec, rows, "tokens")


MUSIC_GENERATION = Task(
    name="music_generation",
    type="one-to-many",
    summary="A piece of music in the key and mode that one asks for.",
    reads="a MIDI file, a folder or a .zip of them (pitched tracks are read as one)",
    example="G major",
    recipe=MusicRecipe,
    read=read,
    codec=MusicCodec.from_files,
    fit=fit,
    build=build,
    validate=evaluate,
    criterion="nll",
    evaluate=evaluate,
    metric="nll",
    sample_metric="nll",
    baseline=baseline,
    parse=parse,
    predict=predict,
    review=review,
    write=write,
    defaults={
        "hidden": 256,
        "embedding": 96,
        "layers": 2,
        "max_length": 1024,
        "batch_size": 16,
        "temperature": 0.9,
        "top_p": 0.95,
        "learning_rate": 3e-3,
    },
    sample_defaults={
        "cell": "mingru",
        "hidden": 192,
        "epochs": 7,
        "batch_size": 8,
        "learning_rate": 6e-3,
    },
)
