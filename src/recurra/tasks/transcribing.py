"""From CTC's scores to transcripts: the best path or a beam, a language model, times of words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor

from recurra.codecs.units import Units
from recurra.data.readers.text import say
from recurra.data.readers.transcripts import Utterance
from recurra.decoding import BestPath, Emission, Fusion, Generator, PrefixBeam, align
from recurra.errors import RecurraError
from recurra.tasks.codecs.speech import SpeechCodec, Transcript
from recurra.tasks.evaluation import collect
from recurra.topologies import CTC, negative_log_likelihood
from recurra.training.options import Listened

FIRST, UNKNOWN = 0, 1  # a language model's tokens before a text, and for what it never read
SPECIAL = 4  # of our own units, the first ones are in no text

Decoder = BestPath | PrefixBeam


def transcribe(
    network: CTC, codec: SpeechCodec, rows: Sequence[Utterance], recipe: Listened
) -> list[Transcript]:
    """Return what is said in each recording."""
    begin = decoders(codec.units, recipe)

    def run(batch: Any) -> list[tuple[list[Emission], float]]:
        scores, found = network(batch.x, batch.lengths).double().cpu(), []
        for row, length in zip(scores, batch.lengths.tolist(), strict=True):
            decoder = begin()
            decoder.push(row[:length].log_softmax(-1))
            found.append(located(row[:length], symbols_of(decoder)))
        return found

    heard = collect(network, codec, rows, run, recipe.batch_size)
    return [
        codec.heard(emissions, logp, len(row.samples), network.body.delay, row.where)
        for row, (emissions, logp) in zip(rows, heard, strict=True)
    ]


def decoders(units: Units, recipe: Listened) -> Callable[[], Decoder]:
    """Return what makes a decoder for each recording.

    Raises:
        RecurraError: a language model or a bonus is given without a beam, or does not fit.
    """
    if recipe.beam == 1:
        for name, given in [("lm", recipe.lm), ("word_bonus", recipe.word_bonus)]:
            if given:
                raise RecurraError(f"{name}: the best path has no use for it; give a beam of 2 up")
        return BestPath
    bonus = [recipe.word_bonus * ends for ends in units.ends()]
    folder, weight = recipe.lm, recipe.lm_weight
    model = None if folder is None else fusion(folder, units, weight)
    return lambda: PrefixBeam(len(units), recipe.beam, bonus=bonus, fusion=model)


def fusion(folder: str, units: Units, weight: float) -> Fusion:
    """Return a language model of ours as what a beam over these units asks.

    Raises:
        RecurraError: it is no language model, or is of other units than these.
    """
    from recurra.tasks.model import load  # whose catalogue has the task that this is a part of

    model = load(folder)
    if model.task.name != "language_model":
        raise RecurraError(f"lm: {folder} is a {model.task.name} model; give a language_model")
    theirs: Any = getattr(model.codec, "units", None)
    if units.kind == "subwords" or theirs.name not in (units.kind, "bytes"):
        raise RecurraError(
            f"lm: {folder} reads {theirs.name}, and this model hears {units.kind}; "
            "train both with the same unit, characters or words"
        )
    spelled = [
        [] if i < SPECIAL else theirs.encode(n.encode()).tolist() for i, n in enumerate(units.names)
    ]
    tokens = [found[0] if len(found) == 1 else UNKNOWN for found in spelled]
    strange = [
        n for n, token in list(zip(units.names, tokens, strict=True))[SPECIAL:] if token == UNKNOWN
    ]
    if 2 * len(strange) > len(units) - SPECIAL:
        raise RecurraError(
            f"lm: {folder} has never read most of what this model hears ({strange[0]!r} …); "
            "is its text in the same case?"
        )
    if strange:
        say(f"{folder}: has never read {' '.join(map(repr, strange))}")
    nothing = torch.zeros(1, 0, dtype=torch.long, device=next(model.network.parameters()).device)
    return Fusion(cast(Generator, model.network), tokens, FIRST, weight, (nothing,))


def symbols_of(decoder: Decoder) -> list[int]:
    """Return the symbols that a decoder has found so far."""
    return decoder.symbols if isinstance(decoder, BestPath) else decoder.best[0].symbols


def located(
    scores: Float[Tensor, "time classes"], symbols: list[int]
) -> tuple[list[Emission], float]:
    """Return where each symbol is heard, by the likeliest alignment, and log p of all of them."""
    time, count = len(scores), len(symbols)
    y = torch.tensor(symbols, dtype=torch.long).view(1, count)
    nll = negative_log_likelihood(scores[None], torch.tensor([time]), y, torch.tensor([count]))
    return align(scores.log_softmax(-1), symbols), -float(nll)
