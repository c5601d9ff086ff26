"""Sentiment, or any other label of a whole text: many-to-one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from recurra.data.batch import Labelled
from recurra.data.readers import tabular
from recurra.data.readers.tabular import TextLabel
from recurra.data.samples import sentiment as sample
from recurra.data.splits import Splits
from recurra.data.vocabulary import Vocabulary, words
from recurra.layers.dropout import Dropout
from recurra.reports import Part
from recurra.tasks.bag import Bag
from recurra.tasks.body import body, pool
from recurra.tasks.codecs.text import TextCodec, TextPrediction, checked
from recurra.tasks.embedding import FirstColumn, TokenEmbedding
from recurra.tasks.evaluation import (
    collect,
    evaluate_labels,
    label_baseline,
)
from recurra.tasks.review import of_labels
from recurra.tasks.streams.words import SoFar
from recurra.tasks.task import Task
from recurra.topologies import Ensemble, ManyToOne
from recurra.training.options import Classes, Pooled, TextTable, Together, WordDropout, Words
from recurra.training.values import option


@dataclass(frozen=True, kw_only=True)
class SentimentRecipe(TextTable, Words, Pooled, Together, WordDropout, Classes):
    """Options of labelling texts."""

    bag: bool = option(
        "model",
        False,
        "beside the networks a linear model of the text's words, pairs and runs of letters",
    )


def read(recipe: SentimentRecipe) -> Splits[TextLabel]:
    """Return the user's rows, or the embedded sentences."""
    return tabular.read(recipe) if recipe.data else sample.load(recipe)


def fit(train: Sequence[TextLabel], recipe: SentimentRecipe) -> TextCodec:
    """Return the codec of these training rows."""
    vocabulary = Vocabulary.build((words(row.text) for row in train), size=recipe.vocabulary)
    return TextCodec(
        vocabulary, sorted({row.label for row in train}), recipe.max_length, recipe.bag
    )


def build(codec: TextCodec, recipe: SentimentRecipe) -> nn.Module:
    """Return one network, or several that answer together; a bag counts as much as they all."""
    networks = Ensemble.of(recipe.members, lambda: member(codec, recipe))
    if not codec.letters:
        return networks
    return Ensemble([networks, Bag(len(codec.labels), recipe.dropout)])


def member(codec: TextCodec, recipe: SentimentRecipe) -> nn.Module:
    """Return embedding, recurrent body, pooling and a linear head."""
    embed = (FirstColumn if codec.letters else TokenEmbedding)(
        len(codec.vocabulary),
        recipe.embedding,
        word_dropout=recipe.word_dropout,
        dropout=recipe.dropout,
    )
    layers = body(recipe, recipe.embedding)
    head = nn.Sequential(Dropout(recipe.dropout), nn.Linear(layers.output_size, len(codec.labels)))
    return ManyToOne(embed, layers, pool(recipe, layers.output_size), head)


def probabilities(
    network: nn.Module, codec: TextCodec, rows: Sequence[TextLabel]
) -> list[list[float]]:
    """Return the probability of every class, per row."""

    def run(batch: Labelled) -> Any:
        return network(batch.x, batch.lengths).softmax(-1).tolist()

    return collect(network, codec, rows, run)


def predict(
    network: nn.Module, codec: TextCodec, inputs: Sequence[str], recipe: SentimentRecipe
) -> list[TextPrediction]:
    """Return label and probabilities of each text.

    Raises:
        RecurraError: a text is empty or too long.
    """
    rows = [TextLabel(checked(text, i), "", "") for i, text in enumerate(inputs, 1)]
    return [
        TextPrediction.of(row.text, codec.labels, p)
        for row, p in zip(rows, probabilities(network, codec, rows), strict=True)
    ]


def review(
    network: nn.Module, codec: TextCodec, rows: Sequence[TextLabel], recipe: SentimentRecipe
) -> list[Part]:
    """Return what was taken for what, and the texts of the most confident mistakes."""
    return of_labels(
        codec.labels,
        [row.label for row in rows],
        probabilities(network, codec, rows),
        lambda i: rows[i].text,
        [row.where for row in rows],
        [len(words(row.text)) for row in rows],
        "words",
    )


SENTIMENT = Task(
    name="sentiment",
    type="many-to-one",
    summary="The label of a text (positive, negative; any number of classes).",
    reads="CSV, TSV or JSON with a text and a label column; a folder of train/dev/test files",
    example="not bad at all",
    recipe=SentimentRecipe,
    read=read,
    codec=TextCodec.from_files,
    fit=fit,
    build=build,
    validate=evaluate_labels,
    criterion="accuracy",
    evaluate=evaluate_labels,
    metric="accuracy",
    sample_metric="accuracy",
    baseline=label_baseline,
    parse=str,
    predict=predict,
    review=review,
    stream=lambda network, codec, _: SoFar(network, codec),
    defaults={"bidirectional": True, "dropout": 0.4, "word_dropout": 0.05, "batch_size": 32},
    presets={
        "quality": {"bag": True, "dropout": 0.5, "word_dropout": 0.2, "patience": 0, "epochs": 4},
    },
    sample_defaults={
        "hidden": 64,
        "epochs": 18,
        "patience": 8,
        "word_dropout": 0.1,
        "learning_rate": 3e-3,
    },
)
