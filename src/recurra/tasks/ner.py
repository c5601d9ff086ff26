"""Named entities, or any other tags of words: many-to-many, equal lengths."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import nn

from recurra.data.evidence import learn
from recurra.data.readers import conll
from recurra.data.readers.conll import Tagged
from recurra.data.samples import ner as sample
from recurra.data.splits import Splits
from recurra.data.vocabulary import SPECIALS, Vocabulary, composed
from recurra.errors import RecurraError
from recurra.layers.dropout import Dropout
from recurra.reports import Part
from recurra.tasks.body import body, cell
from recurra.tasks.codecs.tags import SHAPES, TagCodec, TagPrediction, spans
from recurra.tasks.embedding import TokenEmbedding
from recurra.tasks.evaluation import collect, mean_loss, prior_loss
from recurra.tasks.review import of_tags
from recurra.tasks.spelling import ConvolvedSpelling, RecurrentSpelling, Spelling
from recurra.tasks.streams.tags import Tags
from recurra.tasks.task import Task
from recurra.tasks.words import WordEmbedding
from recurra.topologies import CRF, ManyToManyEqual, Softmax
from recurra.training.metrics import span_f1
from recurra.training.options import Classes, TaggedTable, TwoWay, WordDropout, Words
from recurra.training.values import COUNT, SHARE, option


@dataclass(frozen=True, kw_only=True)
class NerRecipe(TaggedTable, Words, TwoWay, WordDropout, Classes):
    """Options of tagging words."""

    output: Literal["softmax", "crf"] = option("model", "softmax", "output layer of a tagger")
    spelling: Literal["convolution", "recurrent"] = option(
        "model", "convolution", "what reads a word's letters"
    )
    letters: int = option("model", 0, "width of a word's spelling; 0: half of its embedding", COUNT)
    rare_dropout: float = option(
        "regularisation", 0.0, "share of words seen once that are read as unknown, too", SHARE
    )


def read(recipe: NerRecipe) -> Splits[Tagged]:
    """Return the user's sentences, or the embedded ones; those of one document together."""
    longest = recipe.max_length if recipe.context == "document" else 0
    return conll.read(recipe, longest) if recipe.data else sample.load(recipe)


def fit(train: Sequence[Tagged], recipe: NerRecipe) -> TagCodec:
    """Return the codec of these training sentences."""
    texts = [[composed(token) for token in row.tokens] for row in train]
    lowered = [[token.lower() for token in text] for text in texts]
    letters = (list("".join(text)) for text in texts)
    tags = {tag for row in train for tag in row.tags} - {"O"}
    words = Vocabulary.build(lowered, size=recipe.vocabulary)
    counts = Counter(token for text in lowered for token in text)
    # the vocabulary goes from the most frequent word to the rarest
    often = sum(counts[token] > 1 for token in words.tokens[len(SPECIALS) :])
    return TagCodec(
        words,
        Vocabulary.build(letters, size=1000),
        ["O", *sorted(tags)],
        recipe.max_length,
        documents=any(len(row.starts) > 1 for row in train),
        rare=len(SPECIALS) + often,
        habit=learn(texts),
    )


def build(codec: TagCodec, recipe: NerRecipe) -> nn.Module:
    """Return word embedding, recurrent body, a linear head, and softmax or CRF."""
    words = TokenEmbedding(
        len(codec.words),
        recipe.embedding,
        word_dropout=recipe.word_dropout,
        rare=codec.rare,
        rare_dropout=recipe.rare_dropout,
    )
    embed = WordEmbedding(
        words,
        len(SHAPES) * (1 + codec.documents) + 1,
        spelling(codec, recipe),
        dropout=recipe.dropout,
        memory=recipe.embedding if codec.documents else 0,
    )
    layers = body(recipe, embed.output_size)
    head = nn.Sequential(Dropout(recipe.dropout), nn.Linear(layers.output_size, len(codec.tags)))
    output = crf(codec.tags) if recipe.output == "crf" else Softmax()
    return ManyToManyEqual(embed, layers, head, output)


def spelling(codec: TagCodec, recipe: NerRecipe) -> Spelling:
    """Return what reads a word's letters."""
    half = max(recipe.embedding // 2, 1)
    wide = recipe.letters or half
    if recipe.spelling == "convolution":
        return ConvolvedSpelling(len(codec.letters), half, wide)
    if wide % 2:
        raise RecurraError(
            f"letters: a recurrent spelling reads both ways; give an even width, not {wide}"
        )
    one_way = replace(recipe, hidden=wide // 2)
    return RecurrentSpelling(len(codec.letters), half, cell(one_way, half), cell(one_way, half))


def crf(tags: Sequence[str]) -> CRF:
    """Return a CRF in which I-X follows B-X or I-X only, and begins no sentence."""
    inside = torch.tensor([tag.startswith("I-") for tag in tags])
    same = torch.tensor([[a != "O" and a[1:] == b[1:] for b in tags] for a in tags])
    return CRF(len(tags), forbidden=inside & ~same, forbidden_start=inside)


def tag(network: ManyToManyEqual, codec: TagCodec, rows: Sequence[Tagged]) -> list[list[str]]:
    """Return the best tags of each row; words beyond `max_length` are O."""
    paths = collect(network, codec, rows, lambda batch: network.predict(batch.x, batch.lengths))
    return [codec.said(path, row) for path, row in zip(paths, rows, strict=True)]


def evaluate(
    network: ManyToManyEqual, codec: TagCodec, rows: Sequence[Tagged], recipe: NerRecipe
) -> dict[str, float]:
    """Return span F1 and loss."""
    tags = tag(network, codec, rows)
    return {"span_f1": span_f1([row.tags for row in rows], tags), **mean_loss(network, codec, rows)}


def review(
    network: ManyToManyEqual, codec: TagCodec, rows: Sequence[Tagged], recipe: NerRecipe
) -> list[Part]:
    """Return what was taken for what, and the sentences with most mistakes."""
    return of_tags(rows, tag(network, codec, rows))


def baseline(
    codec: TagCodec, train: Sequence[Tagged], test: Sequence[Tagged], recipe: NerRecipe
) -> dict[str, float]:
    """Return what each word's most frequent tag reaches."""
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    for row in train:
        for token, label in zip(row.tokens, row.tags, strict=True):
            seen[token][label] += 1
    usual = {token: counts.most_common(1)[0][0] for token, counts in seen.items()}
    answers = [[usual.get(token, "O") for token in row.tokens] for row in test]
    prior = prior_loss(
        [t for row in train for t in row.tags], [t for row in test for t in row.tags]
    )
    return {"span_f1": span_f1([row.tags for row in test], answers), "loss": prior}


def predict(
    network: ManyToManyEqual,
    codec: TagCodec,
    inputs: Sequence[str | list[str] | tuple[str, ...]],
    recipe: NerRecipe,
) -> list[TagPrediction]:
    """Return tags and entities of each sentence, as `TagCodec.read` takes it."""
    rows = [codec.read(given, i) for i, given in enumerate(inputs, 1)]
    return [
        TagPrediction(row.tokens, tags, spans(row.tokens, tags))
        for row, tags in zip(rows, tag(network, codec, rows), strict=True)
    ]


NER = Task(
    name="ner",
    type="many-to-many equal",
    summary="A tag for every word of a sentence: who, where, when.",
    reads="CoNLL columns or CSV (IOB1, IOB2, IOBES, BILOU); a folder of train/dev/test",
    example="Maria Lindgren flew from Oslo to Boston on 3 May .",
    recipe=NerRecipe,
    read=read,
    codec=TagCodec.from_files,
    fit=fit,
    build=build,
    validate=evaluate,
    criterion="span_f1",
    evaluate=evaluate,
    metric="span_f1",
    sample_metric="span_f1",
    baseline=baseline,
    parse=str,
    predict=predict,
    review=review,
    stream=lambda network, codec, _: Tags(network, codec),
    takes_words=True,
    defaults={
        "bidirectional": True,
        "output": "crf",
        "dropout": 0.4,
        "word_dropout": 0.1,
        "vocabulary": 20000,
        "batch_size": 16,
    },
    presets={
        "quality": {
            "hidden": 200,
            "embedding": 128,
            "letters": 128,
            "dropout": 0.5,
            "word_dropout": 0.2,
            "rare_dropout": 0.5,
            "average": 0.999,
            "patience": 0,
            "epochs": 14,
        }
    },
    sample_defaults={"hidden": 96, "epochs": 18, "batch_size": 32, "learning_rate": 5e-3},
)
