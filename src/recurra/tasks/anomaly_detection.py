"""What is unusual in a series, as it comes: many-to-many, equal lengths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from recurra.codecs.alarms import Watched
from recurra.codecs.standard import tell_flat
from recurra.data import calendar
from recurra.data.readers import series_parts
from recurra.data.readers.marks import marked_by, marking
from recurra.data.readers.series import Series
from recurra.data.samples import pressure as sample
from recurra.data.splits import Splits
from recurra.data.windows import Windows
from recurra.errors import DataError
from recurra.reports import Part
from recurra.streaming.surprise import threshold_of
from recurra.tasks.body import body
from recurra.tasks.codecs.watch import WatchCodec
from recurra.tasks.evaluation import mean_loss
from recurra.tasks.review import of_alarms
from recurra.tasks.streams.alarms import Alarms
from recurra.tasks.task import Items, Task
from recurra.tasks.watch import Watchman, watch
from recurra.tasks.watch_figures import baseline, judged
from recurra.topologies import Gaussian, StudentT
from recurra.topologies.numbers import Numbers
from recurra.training.options import Alarmed, Layers, SeriesTable
from recurra.training.values import (
    NAME,
    POSITIVE,
    RATE,
    SIZE,
    SPLIT,
    option,
)


@dataclass(frozen=True, kw_only=True)
class AnomalyRecipe(SeriesTable, Layers, Alarmed):
    """Options of watching series."""

    label_column: str | None = option(
        "data", None, "column that marks anomalies by 1, for evaluation alone; none: detected", NAME
    )
    windows: str | None = option(
        "data", None, "JSON of the windows that are anomalies, in NAB's form, for evaluation", NAME
    )
    split: str = option(
        "data", "0.5,0.1,0.4", "training, validation and test part in time: shares, or steps", SPLIT
    )
    calendar: bool = option(
        "model", True, "tell the hour, weekday … of each step, where the data run through it twice"
    )
    drift: float = option(
        "model", 1000.0, "half-life of the level by which steps are measured, in steps", POSITIVE
    )
    output: Literal["student_t", "gaussian"] = option(
        "model", "student_t", "distribution of the next step"
    )
    bptt: int = option("optimisation", 96, "steps that a gradient reaches back", SIZE)
    alarm_rate: float = option(
        "optimisation", 1e-3, "share of usual steps that may be alarms: sets the threshold", RATE
    )


def read(recipe: AnomalyRecipe) -> Splits[Series]:
    """Return the user's series, or a blood pressure."""
    if recipe.data is None:
        return sample.load(recipe.split)
    found = series_parts.read(
        recipe,
        recipe.split,
        stamped=recipe.steps == "rows",
        marks=marking(recipe.label_column),
    )
    if recipe.windows is None:
        return found
    train, valid, test = ([marked_by(one, recipe.windows) for one in p] for p in found.parts)
    return Splits(train, valid, test, found.skipped, found.encoding, found.content)


def fit(train: Sequence[Series], recipe: AnomalyRecipe) -> WatchCodec:
    """Return what is read of each step.

    Raises:
        DataError: no series is as long as two steps.
    """
    first = max(train, key=lambda one: len(one.values))
    steps = len(first.values)
    if steps < 2:
        raise DataError(first.where, f"has {steps} steps to learn from; two or more are needed")
    tell_flat(train, "what else is usual for it was not seen")
    return WatchCodec(
        names=first.names,
        drift=recipe.drift,
        calendar=calendar.seen(first.timeline, steps) if recipe.calendar else (),
        stretch=min(recipe.bptt, steps - 1),
        form=first.form,
    )


def items(codec: WatchCodec, train: Sequence[Series], recipe: AnomalyRecipe) -> Items:
    """Return stretches of the training part, each a sixteenth of one after the last."""
    size = codec.size
    joined = [torch.cat(codec.encode(one), 1) for one in train if len(one.values) > 1]
    windows = Windows(joined, codec.stretch, 0, max(1, codec.stretch // 16))
    return [(past[:, :size], past[:, size:]) for past, _ in windows]


def build(codec: WatchCodec, recipe: AnomalyRecipe) -> Watchman:
    """Return a body that reads each step, and foretells how far the next one moves."""
    kind = StudentT() if recipe.output == "student_t" else Gaussian()
    output = Numbers(kind, len(codec.names))
    layers = body(recipe, recipe.embedding)
    return Watchman(codec.size, recipe.embedding, layers, output, recipe.dropout)


def validate(
    network: Watchman, codec: WatchCodec, rows: Sequence[Series], recipe: AnomalyRecipe
) -> dict[str, float]:
    """Return −log p of each next step, in nats."""
    return mean_loss(network, codec, rows, size=1)


def finish(
    network: Watchman, codec: WatchCodec, rows: Sequence[Series], recipe: AnomalyRecipe
) -> None:
    """Set the threshold by the scores of what is taken to be usual."""
    scores = [moment.score for one in rows for moment in watch(network, codec, one, recipe)]
    network.threshold.fill_(threshold_of(np.array(scores), recipe.alarm_rate))


def evaluate(
    network: Watchman, codec: WatchCodec, rows: Sequence[Series], recipe: AnomalyRecipe
) -> dict[str, float]:
    """Return the loss, how often alarms begin and, where anomalies are marked, how rightly."""
    said = [watch(network, codec, one, recipe) for one in rows]
    loss = validate(network, codec, rows, recipe)
    return {**loss, **judged(rows, said)}


def predict(
    network: Watchman,
    codec: WatchCodec,
    inputs: Sequence[str | Path | Series],
    recipe: AnomalyRecipe,
) -> list[Watched]:
    """Return score and alarm of every row of each file, or of a series that was read already.

    Raises:
        RecurraError: a file cannot be read, or has other columns.
    """
    answers = []
    for number, path in enumerate(inputs, start=1):
        name, found = codec.opened(path, number, recipe)
        limit = network.limit(recipe.threshold)
        series = [codec.told(one, watch(network, codec, one, recipe), limit) for one in found]
        answers.append(Watched(name, tuple(series)))
    return answers


def review(
    network: Watchman, codec: WatchCodec, rows: Sequence[Series], recipe: AnomalyRecipe
) -> list[Part]:
    """Return the alarms, and the most unusual steps."""
    return of_alarms(codec.names, rows, lambda one: watch(network, codec, one, recipe))


ANOMALY_DETECTION = Task(
    name="anomaly_detection",
    type="many-to-many equal",
    summary="What is unusual in time series: a score for every row, since when, in which channel.",
    reads="CSV, TSV, JSON or Parquet of times and numbers; marks in a column, or NAB's windows",
    example="sensor.csv",
    recipe=AnomalyRecipe,
    read=read,
    codec=WatchCodec.from_files,
    fit=fit,
    build=build,
    validate=validate,
    criterion="loss",
    evaluate=evaluate,
    metric="loss",
    sample_metric="average_precision",
    baseline=baseline,
    parse=str,
    predict=predict,
    review=review,
    stream=Alarms,
    items=items,
    finish=finish,
    defaults={
        "hidden": 32,
        "embedding": 32,
        "batch_size": 16,
        "learning_rate": 3e-3,
        "epochs": 40,
        "patience": 10,
    },
    sample_defaults={"split": "1000,200,6301", "epochs": 60},
)
