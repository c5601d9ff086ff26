"""Named entities, or any other tags of words: many-to-many, equal lengths."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from recurra.data.evidence import learn
from recurra.data.readers import conll
from recurra.data.readers.conll import Tagged
from recurra.data.samples import ner as sample
from recurra.data.splits import Splits
from recurra.data.vocabulary import Vocabulary, composed
from recurra.errors import RecurraError
from recurra.layers.dropout import Dropout
from recurra.tasks.body import body
from recurra.tasks.codecs.tags import SHAPES, TagCodec, TagPrediction, spans
from recurra.tasks.codecs.text import checked
from recurra.tasks.embedding import WordEmbedding
from recurra.tasks.evaluation import collect, mean_loss, prior_loss
from recurra.tasks.task import Task
from recurra.topologies import CRF, ManyToManyEqual, Softmax
from recurra.training.metrics import span_f1
from recurra.training.options import Classes, TaggedTable, TwoWay, WordDropout, Words
from recurra.training.values import option


@dataclass(frozen=True, kw_only=True)
class NerRecipe(TaggedTable, Words, TwoWay, WordDropout, Classes):
    """Options of tagging words."""

    output: Literal["softmax", "crf"] = option("model", "softmax", "output layer of a tagger")


def read(recipe: NerRecipe) -> Splits[Tagged]:
    """Return the user's sentences, or the embedded ones."""
    return conll.read(recipe) if recipe.data else sample.load(recipe)


def fit(train: Sequence[Tagged], recipe: NerRecipe) -> TagCodec:
    """Return the codec of these training sentences."""
    texts = [[composed(token) for token in row.tokens] for row in train]
    lowered = ([token.lower() for token in text] for text in texts)
    letters = (list("".join(text)) for text in texts)
    tags = {tag for row in train for tag in row.tags} - {"O"}
    return TagCodec(
        Vocabulary.build(lowered, size=recipe.vocabulary),
        Vocabulary.build(letters, size=1000),
        ["O", *sorted(tags)],
        recipe.max_length,
        learn(texts),
    )


def build(codec: TagCodec, recipe: NerRecipe) -> nn.Module:
    """Return word embedding, recurrent body, a linear head, and softmax or CRF."""
    embed = WordEmbedding(
        len(codec.words),
        len(SHAPES) + 1,
        len(codec.letters),
        recipe.embedding,
        word_dropout=recipe.word_dropout,
        dropout=recipe.dropout,
    )
    layers = body(recipe, embed.output_size)
    head = nn.Sequential(Dropout(recipe.dropout), nn.Linear(layers.output_size, len(codec.tags)))
    output = crf(codec.tags) if recipe.output == "crf" else Softmax()
    return ManyToManyEqual(embed, layers, head, output)


def crf(tags: Sequence[str]) -> CRF:
    """Return a CRF in which I-X follows B-X or I-X only, and begins no sentence."""
    inside = torch.tensor([tag.startswith("I-") for tag in tags])
    same = torch.tensor([[a != "O" and a[1:] == b[1:] for b in tags] for a in tags])
    return CRF(len(tags), forbidden=inside & ~same, forbidden_start=inside)


def tag(network: ManyToManyEqual, codec: TagCodec, rows: Sequence[Tagged]) -> list[list[str]]:
    """Return the best tags of each sentence; words beyond `max_length` are O."""
    paths = collect(network, codec, rows, lambda batch: network.predict(batch.x, batch.lengths))
    return [
        [codec.tags[i] for i in path] + ["O"] * (len(row.tokens) - len(path))
        for path, row in zip(paths, rows, strict=True)
    ]


def evaluate(
    network: ManyToManyEqual, codec: TagCodec, rows: Sequence[Tagged], recipe: NerRecipe
) -> dict[str, float]:
    """Return span F1 and loss."""
    tags = tag(network, codec, rows)
    return {"span_f1": span_f1([row.tags for row in rows], tags), **mean_loss(network, codec, rows)}


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
    """Return tags and entities of each sentence: a text, or a list of its words."""
    rows = []
    for i, sentence in enumerate(inputs, 1):
        if isinstance(sentence, list | tuple):
            tokens = [_word(word, i) for word in sentence]
        else:
            tokens = codec.cut(checked(sentence, i))
        if not tokens:
            raise RecurraError(f"input {i} has no words; give a sentence")
        rows.append(Tagged(tokens, ["O"] * len(tokens), ""))
    return [
        TagPrediction(row.tokens, tags, spans(row.tokens, tags))
        for row, tags in zip(rows, tag(network, codec, rows), strict=True)
    ]


def _word(word: str, position: int) -> str:
    """Return a word that can be read; as in files, it may be a blank that parts no columns."""
    other = isinstance(word, str) and word.isspace() and not set(word) <= set(" \t\r\n")
    return word if other else checked(word, position)


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
    takes_words=True,
    defaults={
        "bidirectional": True,
        "output": "crf",
        "dropout": 0.4,
        "word_dropout": 0.1,
        "vocabulary": 20000,
        "batch_size": 16,
    },
    sample_defaults={"hidden": 96, "epochs": 18, "batch_size": 32, "learning_rate": 5e-3},
)
