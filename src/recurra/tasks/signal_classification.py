"""The class of a signal (many-to-one), or of each of its steps (many-to-many, equal lengths)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from torch import nn

from recurra.codecs.standard import Standard
from recurra.data.readers import signals
from recurra.data.readers.signal import Signal
from recurra.data.readers.source import place
from recurra.data.readers.text import say
from recurra.data.samples import vowels
from recurra.data.splits import Splits
from recurra.errors import DataError, RecurraError
from recurra.layers import Dropout, Stack
from recurra.reports import Lines, Part
from recurra.tasks.body import body, pool
from recurra.tasks.codecs.signals import SignalCodec
from recurra.tasks.evaluation import (
    collect,
    evaluate_labels,
    label_baseline,
    majority,
    mean_loss,
    prior_loss,
)
from recurra.tasks.front import Distortion, Front, beside
from recurra.tasks.review import of_labels, of_steps
from recurra.tasks.signal_answers import Network, predict
from recurra.tasks.streams.signals import Signals
from recurra.tasks.task import Task
from recurra.topologies import ManyToManyEqual, ManyToOne, Softmax
from recurra.training.options import Classes, Pooled, SignalTable
from recurra.training.values import AMOUNT, DEPTH_OR_NONE, SHARE, option


@dataclass(frozen=True, kw_only=True)
class SignalRecipe(SignalTable, Pooled, Classes):
    """Options of labelling signals."""

    scale: Literal["training", "series"] = option(
        "data", "training", "what a channel is scaled by: all training series, or each by itself"
    )
    convolutions: int = option(
        "model", 3, "convolutions over time, on one another: 8, 5, 3, 3 … wide", DEPTH_OR_NONE
    )
    placement: Literal["before", "beside"] = option(
        "model", "before", "where convolutions stand: before the recurrent layers, or beside them"
    )
    noise: float = option(
        "regularisation", 0.0, "deviation of noise on training signals, once scaled", AMOUNT
    )
    warp: float = option(
        "regularisation",
        0.0,
        "how much faster or slower training signals are made, as a share",
        SHARE,
    )
    shift: float = option(
        "regularisation",
        0.0,
        "share of its length by which training moves a signal, at most",
        SHARE,
    )


def read(recipe: SignalRecipe) -> Splits[Signal]:
    """Return the user's signals, or the vowels."""
    return signals.read(recipe) if recipe.data else vowels.load(recipe)


def fit(train: Sequence[Signal], recipe: SignalRecipe) -> SignalCodec:
    """Return labels, channels and scale of these training signals.

    Raises:
        DataError: a channel has no number.
    """
    channels = train[0].channels
    codec = SignalCodec(
        labels=sorted({label for one in train for label in one.labels}),
        channels=channels,
        scale=Standard.fit((one.values for one in train), channels),
        own_scale=recipe.scale == "series",
        missing=any(bool(np.isnan(one.values).any()) for one in train),
        per_step=bool(train[0].steps),
        max_length=recipe.max_length,
    )
    _tell(codec, train, recipe)
    return codec


def _tell(codec: SignalCodec, train: Sequence[Signal], recipe: SignalRecipe) -> None:
    """Tell what is read otherwise than one might think."""
    name = recipe.data or "sample"
    if codec.missing:
        say(f"{name}: missing numbers are read as the mean, beside a mark that says so")
    if cut := sum(len(one.values) > codec.max_length for one in train):
        say(
            f"{name}: {cut:,} of {len(train):,} signals are cut at {codec.max_length:,} steps "
            "(--max-length)"
        )
    low = np.nanmin([np.nanmin(one.values, 0, initial=np.inf) for one in train], 0)
    high = np.nanmax([np.nanmax(one.values, 0, initial=-np.inf) for one in train], 0)
    if (low == high).any():
        same = ", ".join(codec.channels[i] for i in np.flatnonzero(low == high)[:8])
        say(f"{name}: all values of {same} are equal, and tell nothing")


def build(codec: SignalCodec, recipe: SignalRecipe) -> nn.Module:
    """Return convolutions before or beside recurrent layers, then pooling and a linear head.

    Raises:
        RecurraError: signals are to be bent or moved while each step has a label.
    """
    if codec.per_step and (recipe.warp or recipe.shift):
        field = "warp" if recipe.warp else "shift"
        raise RecurraError(f"{field}: labels of steps would not follow; leave it out")
    distortion = Distortion(recipe.noise, recipe.warp, recipe.shift, len(codec.channels))
    size, many = recipe.embedding, recipe.convolutions
    before = many if recipe.placement == "before" else 0
    front = Front(codec.features, size, before, distortion, recipe.dropout)
    read = beside(body(recipe, size), size, many - before)
    layers = Stack(front, read, dropout=recipe.dropout)
    head = nn.Sequential(Dropout(recipe.dropout), nn.Linear(layers.output_size, len(codec.labels)))
    if codec.per_step:
        return ManyToManyEqual(nn.Identity(), layers, head, Softmax())
    return ManyToOne(nn.Identity(), layers, pool(recipe, layers.output_size), head)


def evaluate(
    network: Network, codec: SignalCodec, rows: Sequence[Signal], recipe: SignalRecipe
) -> dict[str, float]:
    """Return accuracy and loss, of series or of steps."""
    rows = _like(codec, rows)
    if isinstance(network, ManyToOne):
        return evaluate_labels(network, codec, rows, recipe)
    paths = collect(network, codec, rows, lambda batch: network.predict(batch.x, batch.lengths))
    right = sum(
        codec.labels[i] == label
        for path, row in zip(paths, rows, strict=True)
        for i, label in zip(path, row.steps, strict=False)  # those beyond max_length are not read
    )
    count = sum(map(len, paths))
    return {"accuracy": right / max(count, 1), **mean_loss(network, codec, rows)}


def _like(codec: SignalCodec, rows: Sequence[Signal]) -> list[Signal]:
    """Return signals with labels as the model has them: of series, or of steps.

    Raises:
        DataError: a label is unknown, or changes within a series where the model gives one.
    """
    found = []
    for row in rows:
        path, number = place(row)
        if strange := [label for label in row.labels if label not in codec.labels]:
            listed = ", ".join(codec.labels[:20])
            raise DataError(
                path, f"label {strange[0]!r} is unknown to this model: {listed}", number
            )
        if codec.per_step:
            found.append(row._replace(label="", steps=row.steps or [row.label] * len(row.values)))
        elif len(row.labels) > 1:
            raise DataError(
                path, f"has {len(row.labels)} labels in one series; this model gives one", number
            )
        else:
            found.append(row._replace(label=row.labels[0], steps=[]))
    return found


def baseline(
    codec: SignalCodec, train: Sequence[Signal], test: Sequence[Signal], recipe: SignalRecipe
) -> dict[str, float]:
    """Return what the most frequent label reaches."""
    if not codec.per_step:
        return label_baseline(codec, train, test, recipe)
    most = codec.max_length
    seen, asked = ([y for row in rows for y in row.steps[:most]] for rows in (train, test))
    return {"accuracy": majority(seen, asked), "loss": prior_loss(seen, asked)}


def review(
    network: Network, codec: SignalCodec, rows: Sequence[Signal], recipe: SignalRecipe
) -> list[Part]:
    """Return what was taken for what, and the signals of the worst mistakes."""
    rows = _like(codec, rows)
    where = [row.where for row in rows]

    def show(i: int) -> Lines:
        return Lines(rows[i].values)

    if isinstance(network, ManyToOne):

        def likely(batch: Any) -> Any:
            return network(batch.x, batch.lengths).softmax(-1).tolist()

        p = collect(network, codec, rows, likely)
        sizes = [len(row.values) for row in rows]
        wanted = [row.label for row in rows]
        return of_labels(codec.labels, wanted, p, show, where, sizes, "steps")
    paths = collect(network, codec, rows, lambda batch: network.predict(batch.x, batch.lengths))
    answers = [[codec.labels[step] for step in path] for path in paths]
    return of_steps(codec.labels, [row.steps for row in rows], answers, show, where)


SIGNAL_CLASSIFICATION = Task(
    name="signal_classification",
    type="many-to-one",
    summary="The class of a signal: sensors, movements, voices; or of each of its steps.",
    reads=".ts (UCR, UEA), CSV with a row per series or per step, NPZ; a folder of these",
    example="signal.csv",
    recipe=SignalRecipe,
    read=read,
    codec=SignalCodec.from_files,
    fit=fit,
    build=build,
    validate=evaluate,
    criterion="loss",
    evaluate=evaluate,
    metric="accuracy",
    sample_metric="accuracy",
    baseline=baseline,
    parse=Path,
    predict=predict,
    review=review,
    stream=lambda network, codec, _: Signals(network, codec),
    defaults={"batch_size": 16, "epochs": 100, "max_length": 10_000, "patience": 0},
    sample_defaults={"epochs": 30, "placement": "beside"},
)
