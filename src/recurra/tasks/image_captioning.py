"""A sentence about an image: one-to-many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from torch import Tensor, nn

from recurra.codecs.scale import scale_of
from recurra.data.batch import Paired
from recurra.data.readers import captions, images
from recurra.data.readers.captions import CaptionedImage
from recurra.data.samples import scenes
from recurra.data.splits import Splits
from recurra.data.vocabulary import END, START, Vocabulary, words
from recurra.decoding import Hypothesis
from recurra.errors import RecurraError
from recurra.reports import Looked, Part, Picture
from recurra.tasks.body import attention, body
from recurra.tasks.codecs.captions import LONGEST_CAPTION, Caption, CaptionCodec
from recurra.tasks.decode import decode
from recurra.tasks.encoders import FrozenEncoder, ImageEncoder, remembered, seen_by
from recurra.tasks.evaluation import mean_loss, unigram_loss
from recurra.tasks.review import of_texts
from recurra.tasks.task import Task, whole
from recurra.topologies import Decoder, OneToMany, Writer, Writers
from recurra.training.metrics import bleu_1, scores
from recurra.training.options import (
    Attended,
    Body,
    CaptionTable,
    Classes,
    Searched,
    Taught,
    Together,
    Words,
)
from recurra.training.values import COUNT, NAME, option

CONVOLUTION = "convolution"
SIDE, FROZEN_SIDE = 64, 224


@dataclass(frozen=True, kw_only=True)
class CaptioningRecipe(CaptionTable, Words, Body, Attended, Taught, Together, Searched, Classes):
    """Options of describing pictures."""

    pixels: int = option(
        "data",
        0,
        "height and width that pictures are resized to; 0: 64, or 224 for a frozen",
        COUNT,
    )
    encoder: str = option(
        "model",
        CONVOLUTION,
        "what reads pictures: convolution, learning along, or frozen: a SqueezeNet's .npz file, "
        "hf:NAME, timm:NAME",
        NAME,
    )

    @property
    def frozen(self) -> bool:
        """Whether pictures are read by a network that does not learn."""
        return self.encoder != CONVOLUTION

    @property
    def side(self) -> int:
        """Height and width of the pictures that are read."""
        return self.pixels or (FROZEN_SIDE if self.frozen else SIDE)


def read(recipe: CaptioningRecipe) -> Splits[CaptionedImage]:
    """Return the user's images, or scenes of digits; training has one row per caption."""
    if recipe.pixels and not recipe.data:
        raise RecurraError("pixels: the embedded sample's pictures are as they are; give --data")
    splits = captions.read(recipe, recipe.side) if recipe.data else scenes.load(recipe)
    one_each = [
        CaptionedImage(row.image, [text], row.where)
        for row in splits.train
        for text in row.captions
    ]
    return replace(splits, train=one_each)


def fit(train: Sequence[CaptionedImage], recipe: CaptioningRecipe) -> CaptionCodec:
    """Return the vocabulary of these captions, and the images' shape."""
    texts = (words(text) for row in train for text in row.captions)
    height, width, channels = train[0].image.shape
    least = 1 if len(train) < 10_000 else 5
    vocabulary = Vocabulary.build(texts, size=recipe.vocabulary, least=least)
    seen = seen_by(recipe.encoder, height)[0] if recipe.frozen else None
    return CaptionCodec(vocabulary, (height, width, channels), scale_of(train, recipe), seen)


def build(codec: CaptionCodec, recipe: CaptioningRecipe) -> Writer:
    """Return one network, or several that write together."""
    return Writers.of(recipe.members, lambda: member(codec, recipe))


def member(codec: CaptionCodec, recipe: CaptioningRecipe) -> Writer:
    """Return what reads a picture, and a decoder that attends to its grid."""
    encoder: nn.Module
    if codec.seen is None:
        encoder = ImageEncoder(codec.shape, recipe.hidden, cells=8)
    else:
        encoder = FrozenEncoder(codec.seen, recipe.hidden, recipe.dropout)
    feeding = recipe.hidden if recipe.input_feeding else 0
    layers = body(recipe, recipe.embedding + recipe.hidden + feeding, bidirectional=False)
    decoder = Decoder(
        len(codec.vocabulary),
        recipe.embedding,
        layers,
        context_size=recipe.hidden,
        attention=attention(recipe, layers.output_size, recipe.hidden),
        input_feeding=recipe.input_feeding,
        tied=recipe.tied,
        dropout=recipe.dropout,
    )
    return OneToMany(encoder, decoder)


def prepare(
    network: nn.Module,
    codec: CaptionCodec,
    splits: Splits[CaptionedImage],
    recipe: CaptioningRecipe,
) -> Splits[CaptionedImage]:
    """Return the examples with what the frozen encoder sees in place of their pixels."""
    encoders = [one for one in network.modules() if isinstance(one, FrozenEncoder)]
    if not encoders:
        return splits
    weights = seen_by(recipe.encoder, codec.shape[0])[1].state_dict()
    for encoder in encoders:
        encoder.fill(weights)
    parts = (splits.train, splits.valid, splits.test)
    rows = [row for part in parts for row in part]
    for row in rows:
        codec.scale.check(row.image, row.where)
    seen = iter(remembered(encoders[0], [row.image for row in rows], codec.scale))
    train, valid, test = ([row._replace(image=next(seen)) for row in part] for part in parts)
    return replace(splits, train=train, valid=valid, test=test)


def hypotheses(
    network: Writer, codec: CaptionCodec, rows: Sequence[CaptionedImage], recipe: CaptioningRecipe
) -> list[Hypothesis]:
    """Return the best caption of each image."""

    def context(batch: Paired) -> tuple[Tensor, ...]:
        return (batch.context,)

    bound = min(LONGEST_CAPTION, recipe.max_length)
    return decode(network, codec, rows, recipe, context, start=START, end=END, max_steps=bound)


def validate(
    network: nn.Module,
    codec: CaptionCodec,
    rows: Sequence[CaptionedImage],
    recipe: CaptioningRecipe,
) -> dict[str, float]:
    """Return the loss per word."""
    return mean_loss(network, codec, rows)


def evaluate(
    network: Writer, codec: CaptionCodec, rows: Sequence[CaptionedImage], recipe: CaptioningRecipe
) -> dict[str, float]:
    """Return the texts' scores against all captions of an image, and the loss."""
    answers = [codec.text(h.tokens) for h in hypotheses(network, codec, rows, recipe)]
    return {**told(answers, rows), **mean_loss(network, codec, rows)}


def told(answers: Sequence[str], rows: Sequence[CaptionedImage]) -> dict[str, float]:
    """Return what captions are worth beside those of the images: as for texts, and BLEU-1."""
    wanted = references(rows)
    return {**scores(answers, wanted), "bleu_1": bleu_1(answers, wanted)}


def references(rows: Sequence[CaptionedImage]) -> list[list[str]]:
    """Return the captions of each image, as words separated by spaces."""
    return [[" ".join(words(text)) for text in row.captions] for row in rows]


def baseline(
    codec: CaptionCodec,
    train: Sequence[CaptionedImage],
    test: Sequence[CaptionedImage],
    recipe: CaptioningRecipe,
) -> dict[str, float]:
    """Return what the most frequent caption reaches; the loss is the unigram model's."""
    usual = Counter(" ".join(words(row.captions[0])) for row in train).most_common(1)[0][0]
    unigram = unigram_loss(codec, train, test)
    return {**told([usual] * len(test), test), "loss": unigram}


def predict(
    network: Writer,
    codec: CaptionCodec,
    inputs: Sequence[str | Path | np.ndarray],
    recipe: CaptioningRecipe,
) -> list[Caption]:
    """Return a sentence about each image: a file, or an array."""
    opened = images.open_images(inputs, codec.shape)
    rows = [CaptionedImage(image.image, [], image.where) for image in opened]
    found = hypotheses(network, codec, rows, recipe)
    return [
        Caption(row.where, codec.text(best.tokens), best.score)
        for row, best in zip(rows, found, strict=True)
    ]


def review(
    network: Writer, codec: CaptionCodec, rows: Sequence[CaptionedImage], recipe: CaptioningRecipe
) -> list[Part]:
    """Return figures by length, the worst captions, and where the words of a few have looked."""
    found, wanted = hypotheses(network, codec, rows, recipe), references(rows)

    def looked(i: int) -> Looked | None:
        weights, words = found[i].weights, [codec.text([token]) for token in found[i].tokens]
        return None if weights is None else Looked.of(rows[i].image, words, weights.cpu().numpy())

    return of_texts(
        [codec.text(best.tokens) for best in found],
        wanted,
        [row.where for row in rows],
        lambda i: Picture(rows[i].image),
        [len(texts[0].split()) for texts in wanted],
        "words wanted",
        looked,
    )


IMAGE_CAPTIONING = Task(
    name="image_captioning",
    type="one-to-many",
    summary="A sentence about an image.",
    reads="folder or .zip of images with captions: CSV, Flickr token file or COCO JSON",
    example="photo.jpg",
    recipe=CaptioningRecipe,
    read=read,
    codec=CaptionCodec.from_files,
    fit=fit,
    build=build,
    validate=validate,
    criterion="loss",
    evaluate=evaluate,
    metric="bleu",
    sample_metric="exact_match",
    baseline=baseline,
    parse=Path,
    predict=predict,
    review=review,
    prepare=prepare,
    write=whole(predict),
    defaults={
        "hidden": 128,
        "batch_size": 64,
        "dropout": 0.3,
        "beam": 3,
        "length_penalty": 0.6,
        "no_repeat": 8,
    },
    presets={
        "quality": {
            "members": 2,
            "hidden": 256,
            "embedding": 256,
            "tied": True,
            "dropout": 0.4,
            "label_smoothing": 0.1,
            "average": 0.999,
            "beam": 5,
            "length_penalty": 1.2,
            "epochs": 5,
        }
    },
    sample_defaults={
        "hidden": 64,
        "embedding": 32,
        "dropout": 0.1,
        "beam": 1,
        "batch_size": 32,
        "epochs": 16,
        "learning_rate": 4e-3,
    },
)
