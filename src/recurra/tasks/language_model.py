"""What a text goes on with: many-to-many equal to train, one-to-many to write."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import torch
from torch import nn

from recurra.codecs.prose import scored
from recurra.data import units as kinds
from recurra.data.passages import Passage
from recurra.data.readers import prose
from recurra.data.readers.text import say
from recurra.data.samples import topics
from recurra.data.splits import Splits
from recurra.data.units import END, UNKNOWN, pieces
from recurra.data.windows import Stretches
from recurra.decoding import sample
from recurra.errors import DataError
from recurra.layers import Dropout, VariationalDropout
from recurra.reports import Part
from recurra.tasks.body import body
from recurra.tasks.codecs.prose import ProseCodec, ScoredText, Speller, WrittenText
from recurra.tasks.codecs.text import sound
from recurra.tasks.review import of_surprises
from recurra.tasks.review.prose import READ
from recurra.tasks.streams.prose import Surprises
from recurra.tasks.surprise import baseline, evaluate, peers, surprise, validate
from recurra.tasks.task import Task, Tell
from recurra.topologies import Writer
from recurra.topologies.language_model import LanguageModel
from recurra.topologies.tied import Tied
from recurra.training.options import Body, RunningText, Sampled, Words
from recurra.training.values import SIZE, option

SEQUENCES = 8  # per lane, at most
LEAST = 64  # stretches of a sequence that is not cut further


@dataclass(frozen=True, kw_only=True)
class LanguageRecipe(RunningText, Words, Body, Sampled):
    """Options of language models."""

    unit: Literal["characters", "bytes", "subwords", "words"] = option(
        "data", "characters", "what a text is made of; words: what stands between blanks"
    )
    bptt: int = option(
        "optimisation", 128, "steps that a gradient reaches back; the state goes on", SIZE
    )
    tied: bool = option("model", False, "the output's weights are the embeddings'")


def read(recipe: LanguageRecipe) -> Splits[Passage]:
    """Return the user's texts, or the embedded one."""
    return prose.read(recipe) if recipe.data else topics.load(recipe)


def fit(train: Sequence[Passage], recipe: LanguageRecipe) -> ProseCodec:
    """Return the units of the training part."""
    texts = (piece for passage in train for piece in pieces(passage.text))
    return ProseCodec(kinds.fit(recipe.unit, texts, recipe.vocabulary))


def items(codec: ProseCodec, train: Sequence[Passage], recipe: LanguageRecipe) -> Stretches:
    """Return the training text cut into sequences for the lanes, and those into stretches.

    A lane has up to eight sequences, so that each epoch sets others side by side.

    Raises:
        DataError: a lane would have nothing to read.
    """
    stream = codec.kept(train)
    steps, lanes = len(stream) - 1, recipe.batch_size
    if steps < lanes:
        raise DataError(
            recipe.data or topics.NAME,
            f"its training part has {steps} {recipe.unit}, too few for {lanes} lanes "
            f"(batch_size); lower it to {max(steps, 1)} or less, or give more text",
        )
    each = min(max(steps // (lanes * recipe.bptt * LEAST), 1), SEQUENCES)
    bounds = [steps * k // (lanes * each) for k in range(lanes * each + 1)]
    spans = list(pairwise(bounds))
    return Stretches(
        [(stream[a:b], stream[a + 1 : b + 1]) for a, b in spans],
        recipe.bptt,
        [f"{recipe.unit} {a + 1:,} to {b:,} of the training part" for a, b in spans],
    )


def build(codec: ProseCodec, recipe: LanguageRecipe) -> nn.Module:
    """Return embedding, recurrent layers and an output over all units."""

    def dropout() -> nn.Module:
        rate = recipe.dropout
        return VariationalDropout(rate) if recipe.variational else Dropout(rate)

    table = nn.Embedding(len(codec.units), recipe.embedding)
    # as wide as a cell's gates like their inputs or, where they score too, of length 1
    nn.init.normal_(table.weight, std=recipe.embedding**-0.5 if recipe.tied else 1.0)
    layers = body(recipe, recipe.embedding)
    output: nn.Module = (
        Tied(table, layers.output_size)
        if recipe.tied
        else nn.Linear(layers.output_size, len(codec.units))
    )
    return LanguageModel(nn.Sequential(table, dropout()), layers, nn.Sequential(dropout(), output))


def predict(
    network: LanguageModel, codec: ProseCodec, inputs: Sequence[str], recipe: LanguageRecipe
) -> list[ScoredText]:
    """Return the surprise of each text, unit by unit."""
    found = []
    for i, given in enumerate(inputs, 1):
        stream = torch.from_numpy(scored(given, i, codec.units))
        bits = torch.cat(list(surprise(network, stream))) / math.log(2)
        unknown = int((stream == UNKNOWN).sum())
        found.append(ScoredText(given, codec.units.shown(given), bits.tolist(), unknown))
    return found


def write(
    network: LanguageModel | Writer,
    codec: ProseCodec,
    prompts: Sequence[str],
    recipe: LanguageRecipe,
    tell: Tell,
) -> Iterator[WrittenText]:
    """Yield what follows each prompt, told as it is written; after none, a text's beginning.

    The prompt is read in one pass. A piece ends at the end of a text, where training had several,
    or after `max_length` units.
    """
    device = next(network.parameters()).device
    randomness = torch.Generator(device).manual_seed(recipe.seed)
    texts = [sound(prompt, i) for i, prompt in enumerate(prompts, 1)]
    for text in texts:
        passage = Passage(np.frombuffer(text.encode(), np.uint8), "")
        stream = codec.stream([passage]).long().to(device)
        if unknown := int((stream == UNKNOWN).sum()):
            say(f"{text[:40]!r}: {unknown} {codec.units.name} were never seen in training")
        tell(text)
        speller, written = Speller(codec.units), list[str]()

        def told(
            tokens: list[int], speller: Speller = speller, written: list[str] = written
        ) -> None:
            written.append(speller(tokens[0]))
            tell(written[-1])

        (piece,) = sample(
            network,
            (stream[None, :-1],),
            start=int(stream[-1]),
            end=END,
            max_steps=recipe.max_length,
            temperature=recipe.temperature,
            top_k=recipe.top_k,
            top_p=recipe.top_p,
            generator_seed=randomness,
            forbidden=[UNKNOWN],
            tell=told,
        )
        if rest := speller.rest():
            written.append(rest)
            tell(rest)
        yield WrittenText(text, "".join(written), piece.tokens)


def review(
    network: LanguageModel, codec: ProseCodec, rows: Sequence[Passage], recipe: LanguageRecipe
) -> list[Part]:
    """Return the beginning of the first text, with what surprises in it."""
    for row in rows:
        text = row.text[: 4 * READ].tobytes().decode("utf-8", "ignore")[:READ]
        if len(codec.stream([Passage(np.frombuffer(text.encode(), np.uint8), "")])) > 1:
            return of_surprises(predict(network, codec, [text], recipe)[0])
    return []


LANGUAGE_MODEL = Task(
    name="language_model",
    type="many-to-many equal",
    summary="How a text goes on, and how much each of its characters surprises.",
    reads="text files, a folder of them, JSON lines, .gz (characters, bytes, subwords or words)",
    example="The value of the expression ",
    recipe=LanguageRecipe,
    read=read,
    codec=ProseCodec.from_files,
    fit=fit,
    build=build,
    validate=validate,
    criterion="loss",
    evaluate=evaluate,
    metric="bits_per_character",
    sample_metric="bits_per_character",
    baseline=baseline,
    parse=str,
    predict=predict,
    review=review,
    stream=lambda network, codec, _: Surprises(network, codec),
    write=write,
    items=items,
    peers=peers,
    defaults={
        "hidden": 512,
        "embedding": 128,
        "vocabulary": 16_000,
        "max_length": 500,
        "temperature": 0.8,
        "learning_rate": 3e-3,
    },
    sample_defaults={
        "hidden": 256,
        "epochs": 5,
        "batch_size": 16,
        "bptt": 64,
        "learning_rate": 6e-3,
        "dropout": 0.1,
    },
)
