"""What is said in a recording: many-to-many, unequal lengths, by CTC."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from torch import nn

from recurra.codecs.sounds import opened
from recurra.codecs.units import Units
from recurra.data.readers import transcripts
from recurra.data.readers.text import say
from recurra.data.readers.transcripts import Utterance
from recurra.data.samples import strings
from recurra.data.splits import Splits
from recurra.layers import Dropout, FrameStack, Stack
from recurra.reports import Part
from recurra.tasks.body import body
from recurra.tasks.codecs.sounds import Frames
from recurra.tasks.codecs.speech import SpeechCodec, Transcript
from recurra.tasks.evaluation import mean_loss, unigram_loss
from recurra.tasks.hearing import front, hop, scale_of, wanted
from recurra.tasks.review import of_transcripts
from recurra.tasks.streams.speech import Speech
from recurra.tasks.task import Items, Task
from recurra.tasks.transcribing import transcribe
from recurra.topologies import CTC
from recurra.training.metrics import error_rates
from recurra.training.options import Heard, Listened, Roughened, Transcripts, TwoWay
from recurra.training.values import SIZE, option

TOLD = 5  # rows with what was never learned that are told of


@dataclass(frozen=True, kw_only=True)
class SpeechRecipe(Transcripts, Heard, TwoWay, Roughened, Listened):
    """Options of transcribing speech."""

    units: Literal["characters", "words", "subwords"] = option(
        "data", "characters", "what a transcript is written in, symbol by symbol"
    )
    lowercase: bool = option("data", False, "transcripts are learned, and written, in lower case")
    max_length: int = option(
        "data", 3000, "longest recording, in hops of the spectrum; longer ones are refused", SIZE
    )
    subsample: int = option(
        "model", 3, "hops of the spectrum that the recurrent layers read in one step", SIZE
    )


def read(recipe: SpeechRecipe) -> Splits[Utterance]:
    """Return the user's recordings, or strings of digits by a synthesiser."""
    heard = wanted(recipe, cut=False)
    return transcripts.read(recipe, heard) if recipe.data else strings.load(recipe, heard)


def fit(train: Sequence[Utterance], recipe: SpeechRecipe) -> SpeechCodec:
    """Return the units of these transcripts, and the scale of these sounds' features."""
    texts = [row.text for row in train]
    units = Units.learn(texts, recipe.units, recipe.vocabulary, lowercase=recipe.lowercase)
    scale = scale_of([row.samples for row in train], recipe)
    return SpeechCodec(units, scale, recipe.sample_rate, hop(recipe) * recipe.subsample)


def items(codec: SpeechCodec, rows: Sequence[Utterance], recipe: SpeechRecipe) -> Items:
    """Return every recording as one item."""
    return Frames(codec, rows)


def build(codec: SpeechCodec, recipe: SpeechRecipe) -> nn.Module:
    """Return features, a few hops to a step; the recurrent body; and scores of the symbols."""
    hears = FrameStack(Stack(*front(recipe, codec.scale)), recipe.subsample)
    layers = body(recipe, recipe.embedding)
    embed = nn.Sequential(
        nn.Linear(hears.output_size, recipe.embedding), nn.SiLU(), Dropout(recipe.dropout)
    )
    head = nn.Sequential(Dropout(recipe.dropout), nn.Linear(layers.output_size, len(codec.units)))
    return CTC(hears, embed, layers, head, len(codec.units))


def validate(
    network: nn.Module, codec: SpeechCodec, rows: Sequence[Utterance], recipe: SpeechRecipe
) -> dict[str, float]:
    """Return the loss per symbol."""
    return mean_loss(network, codec, rows, size=recipe.batch_size)


def evaluate(
    network: CTC, codec: SpeechCodec, rows: Sequence[Utterance], recipe: SpeechRecipe
) -> dict[str, float]:
    """Return WER, CER and the loss per symbol; what was never learned counts as an error."""
    tell_unknown(codec, rows)
    answers = [one.text for one in transcribe(network, codec, rows, recipe)]
    rates = error_rates(answers, [codec.units.normal(row.text) for row in rows])
    return {**rates, **validate(network, codec, rows, recipe)}


def tell_unknown(codec: SpeechCodec, rows: Sequence[Utterance]) -> None:
    """Tell of transcripts that hold what the training part did not."""
    found = [(row, strange) for row in rows if (strange := codec.units.unknown(row.text))]
    for row, strange in found[:TOLD]:
        say(f"{row.where}: {strange[0]!r} was never learned, and counts as an error")
    if len(found) > TOLD:
        say(f"{len(found)} transcripts in all hold what was never learned")


def baseline(
    codec: SpeechCodec, train: Sequence[Utterance], test: Sequence[Utterance], recipe: SpeechRecipe
) -> dict[str, float]:
    """Return what the most frequent transcript reaches, or none: what is better in training.

    The loss is that of the symbols' frequencies.
    """
    seen, asked = ([codec.units.normal(row.text) for row in rows] for rows in (train, test))
    usual = Counter(seen).most_common(1)[0][0]
    best = min([usual, ""], key=lambda text: error_rates([text] * len(seen), seen)["wer"])
    rates = error_rates([best] * len(asked), asked)
    return {**rates, "loss": unigram_loss(codec, train, test)}


def predict(
    network: CTC, codec: SpeechCodec, inputs: Sequence[Any], recipe: SpeechRecipe
) -> list[Transcript]:
    """Return what is said in each recording: a file, or samples and their rate."""
    heard = wanted(recipe, cut=False)
    rows = [
        Utterance(
            opened(one, i, heard), "", "", str(one) if isinstance(one, str | Path) else "array"
        )
        for i, one in enumerate(inputs, 1)
    ]
    return transcribe(network, codec, rows, recipe)


def review(
    network: CTC, codec: SpeechCodec, rows: Sequence[Utterance], recipe: SpeechRecipe
) -> list[Part]:
    """Return error rates by length, and the worst transcripts."""
    return of_transcripts(
        [one.text for one in transcribe(network, codec, rows, recipe)],
        [codec.units.normal(row.text) for row in rows],
        [row.where for row in rows],
        [len(row.samples) / recipe.sample_rate for row in rows],
    )


SPEECH_RECOGNITION = Task(
    name="speech_recognition",
    type="many-to-many unequal",
    summary="What is said in a recording, word by word, and when.",
    reads="a manifest of paths and texts (CSV, TSV, JSONL); LibriSpeech's or Kaldi's folders",
    example="recording.wav",
    recipe=SpeechRecipe,
    read=read,
    codec=SpeechCodec.from_files,
    fit=fit,
    build=build,
    validate=validate,
    criterion="loss",
    evaluate=evaluate,
    metric="wer",
    sample_metric="wer",
    baseline=baseline,
    parse=Path,
    predict=predict,
    review=review,
    stream=lambda network, codec, _: Speech(network, codec),
    items=items,
    defaults={
        "bidirectional": True,
        "layers": 2,
        "hidden": 192,
        "embedding": 128,
        "learning_rate": 3e-3,
        "batch_size": 16,
        "noise": 0.1,
        "gain_db": 6.0,
        "mask_bands": 8,
        "mask_frames": 10,
    },
    sample_defaults={
        "sample_rate": 8000,
        "layers": 1,
        "hidden": 96,
        "embedding": 64,
        "epochs": 26,
        "learning_rate": 6e-3,
    },
)
