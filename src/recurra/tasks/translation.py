"""Translation, or any other text from a text: many-to-many, unequal lengths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from recurra.data.batch import Paired
from recurra.data.readers import parallel
from recurra.data.readers.parallel import Pair
from recurra.data.samples import dates
from recurra.data.splits import Splits
from recurra.data.vocabulary import END, START, composed, train_subwords
from recurra.decoding import Hypothesis
from recurra.reports import Heat, Part
from recurra.tasks.body import attention, body
from recurra.tasks.codecs.pairs import PairCodec, Translation
from recurra.tasks.codecs.text import checked
from recurra.tasks.decode import decode
from recurra.tasks.embedding import TokenEmbedding
from recurra.tasks.evaluation import mean_loss, unigram_loss
from recurra.tasks.review import of_texts
from recurra.tasks.task import Task
from recurra.topologies import Decoder, ManyToManyUnequal, Writer, Writers
from recurra.training.metrics import scores
from recurra.training.options import (
    Attended,
    Classes,
    PairTable,
    Searched,
    Taught,
    Together,
    TwoWay,
    Words,
)


@dataclass(frozen=True, kw_only=True)
class TranslationRecipe(PairTable, Words, TwoWay, Attended, Taught, Together, Searched, Classes):
    """Options of translating."""


def read(recipe: TranslationRecipe) -> Splits[Pair]:
    """Return the user's pairs, or dates in many languages."""
    return parallel.read(recipe) if recipe.data else dates.load(recipe)


def fit(train: Sequence[Pair], recipe: TranslationRecipe) -> PairCodec:
    """Return tokenizers learned from these pairs."""
    sources, targets = zip(*((pair.source, pair.target) for pair in train), strict=True)
    return PairCodec(
        train_subwords(sources, recipe.vocabulary),
        train_subwords(targets, recipe.vocabulary),
        recipe.max_length,
    )


def build(codec: PairCodec, recipe: TranslationRecipe) -> Writer:
    """Return one network, or several that write together."""
    return Writers.of(recipe.members, lambda: member(codec, recipe))


def member(codec: PairCodec, recipe: TranslationRecipe) -> Writer:
    """Return embedding, encoder, and a decoder that attends to it."""
    embed = TokenEmbedding(codec.source.get_vocab_size(), recipe.embedding, dropout=recipe.dropout)
    encoder = body(recipe, recipe.embedding)
    context = recipe.hidden
    feeding = recipe.hidden if recipe.input_feeding else 0
    layers = body(recipe, recipe.embedding + context + feeding, bidirectional=False)
    decoder = Decoder(
        codec.target.get_vocab_size(),
        recipe.embedding,
        layers,
        context_size=context,
        attention=attention(recipe, layers.output_size, encoder.output_size),
        input_feeding=recipe.input_feeding,
        tied=recipe.tied,
        dropout=recipe.dropout,
    )
    return ManyToManyUnequal(embed, encoder, decoder)


def hypotheses(
    network: Writer, codec: PairCodec, rows: Sequence[Pair], recipe: TranslationRecipe
) -> list[Hypothesis]:
    """Return the best target of each source."""
    longest = max((len(row.target) for row in rows), default=0)
    bound = min(recipe.max_length, 2 * longest + 10) if longest else recipe.max_length

    def context(batch: Paired) -> tuple[Tensor, ...]:
        assert batch.context_lengths is not None
        return batch.context, batch.context_lengths

    return decode(network, codec, rows, recipe, context, start=START, end=END, max_steps=bound)


def validate(
    network: nn.Module, codec: PairCodec, rows: Sequence[Pair], recipe: TranslationRecipe
) -> dict[str, float]:
    """Return the loss per token."""
    return mean_loss(network, codec, rows)


def evaluate(
    network: Writer, codec: PairCodec, rows: Sequence[Pair], recipe: TranslationRecipe
) -> dict[str, float]:
    """Return exact match, BLEU, chrF, length ratio and loss."""
    answers = [codec.target.decode(h.tokens) for h in hypotheses(network, codec, rows, recipe)]
    wanted = [[composed(row.target)] for row in rows]
    return {**scores(answers, wanted), **mean_loss(network, codec, rows)}


def baseline(
    codec: PairCodec, train: Sequence[Pair], test: Sequence[Pair], recipe: TranslationRecipe
) -> dict[str, float]:
    """Return what the most frequent target reaches; the loss is the unigram model's."""
    usual = Counter(composed(row.target) for row in train).most_common(1)[0][0]
    wanted = [[composed(row.target)] for row in test]
    return {**scores([usual] * len(test), wanted), "loss": unigram_loss(codec, train, test)}


def predict(
    network: Writer, codec: PairCodec, inputs: Sequence[str], recipe: TranslationRecipe
) -> list[Translation]:
    """Return the translation of each text."""
    rows = [Pair(checked(text, i), "", "") for i, text in enumerate(inputs, 1)]
    return translated(network, codec, rows, recipe)


def translated(
    network: Writer, codec: PairCodec, rows: Sequence[Pair], recipe: TranslationRecipe
) -> list[Translation]:
    """Return the translation of each source."""
    found = hypotheses(network, codec, rows, recipe)
    return [
        codec.told(row.source, best.tokens, best.score, best.weights)
        for row, best in zip(rows, found, strict=True)
    ]


def review(
    network: Writer, codec: PairCodec, rows: Sequence[Pair], recipe: TranslationRecipe
) -> list[Part]:
    """Return figures by length, the worst translations, and where a few have looked."""
    found = translated(network, codec, rows, recipe)

    def looked(i: int) -> Heat | None:
        one = found[i]
        return Heat(one.attention, one.source_tokens, one.tokens) if one.attention else None

    return of_texts(
        [one.text for one in found],
        [[composed(row.target)] for row in rows],
        [row.where for row in rows],
        lambda i: rows[i].source,
        [len(one.source_tokens) for one in found],
        "subwords read",
        looked,
    )


TRANSLATION = Task(
    name="translation",
    type="many-to-many unequal",
    summary="A text written from a text, of another length: a translation, a normal form.",
    reads="two parallel text files (also .gz), or TSV; a folder with train/valid/test of both",
    example="[fr] mardi 3 mars 2026",
    recipe=TranslationRecipe,
    read=read,
    codec=PairCodec.from_files,
    fit=fit,
    build=build,
    validate=validate,
    criterion="loss",
    evaluate=evaluate,
    metric="bleu",
    sample_metric="exact_match",
    baseline=baseline,
    parse=str,
    predict=predict,
    review=review,
    defaults={
        "bidirectional": True,
        "hidden": 256,
        "embedding": 128,
        "max_length": 100,
        "batch_size": 64,
        "dropout": 0.3,
        "label_smoothing": 0.1,
        "beam": 4,
        "length_penalty": 1.0,
        "no_repeat": 8,
    },
    presets={
        "quality": {
            "embedding": 256,
            "tied": True,
            "dropout": 0.4,
            "average": 0.999,
            "beam": 5,
            "length_penalty": 0.6,
            "patience": 0,
            "epochs": 12,
        }
    },
    sample_defaults={
        "hidden": 128,
        "embedding": 64,
        "vocabulary": 300,
        "dropout": 0.1,
        "label_smoothing": 0.0,
        "beam": 1,
        "epochs": 5,
        "learning_rate": 6e-3,
    },
)
