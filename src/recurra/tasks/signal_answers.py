"""What a model says of files and arrays of signals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from recurra.data.batch import Labelled
from recurra.data.readers import signals
from recurra.data.readers.signal import Plan, Signal
from recurra.data.readers.source import place
from recurra.data.readers.text import Rows
from recurra.errors import DataError, RecurraError
from recurra.tasks.codecs.heard import (
    FilePrediction,
    SignalPrediction,
    StepPrediction,
    settled_at,
)
from recurra.tasks.codecs.signals import SignalCodec
from recurra.tasks.evaluation import collect
from recurra.topologies import ManyToManyEqual, ManyToOne
from recurra.training.options import SignalTable

Network = ManyToOne | ManyToManyEqual


def predict(
    network: Network,
    codec: SignalCodec,
    inputs: Sequence[str | Path | np.ndarray],
    recipe: SignalTable,
) -> list[Any]:
    """Return what is said of each input: a file of one or more signals, or an array.

    Raises:
        RecurraError: a file or array cannot be read.
    """
    groups = [_signals(one, i, codec, recipe) for i, one in enumerate(inputs, 1)]
    rows = [row for group in groups for row in group]
    for row in rows:
        codec.checked(row)
        if codec.per_step and len(row.values) > codec.max_length:
            path, number = place(row)
            steps = f"{len(row.values):,} steps; {codec.max_length:,} are read"
            raise DataError(path, f"has {steps} (max_length): cut it", number)
    answers = _answers(network, codec, rows)
    found: list[Any] = []
    for given, group in zip(inputs, groups, strict=True):
        told, answers = answers[: len(group)], answers[len(group) :]
        found.append(told[0] if len(told) == 1 else FilePrediction(str(given), told))
    return found


def _signals(given: Any, position: int, codec: SignalCodec, recipe: SignalTable) -> list[Signal]:
    """Return the signals of an input.

    Raises:
        RecurraError: it cannot be read.
    """
    if isinstance(given, str | Path):
        if not str(given).strip():
            raise RecurraError(f"input {position} is empty; give a file of signals")
        plan = Plan(recipe, known=tuple(codec.labels), channels=codec.channels)
        rows = signals.read_file(Path(given), Rows.of(recipe), plan)
        return [rows[0]._replace(where=str(given))] if len(rows) == 1 else rows
    if isinstance(given, torch.Tensor):
        given = given.detach().cpu().numpy()
    if not isinstance(given, np.ndarray) or given.dtype.kind not in "uifb":
        kind = f"a {type(given).__name__}"
        raise RecurraError(
            f"input {position} is {kind}; give a file of signals, or an array [time channels]"
        )
    values = given[:, None] if given.ndim == 1 else given
    if values.ndim != 2 or not values.size:
        raise RecurraError(f"input {position} is {list(given.shape)}; give [time channels]")
    values = values.astype(np.float64)
    if np.isinf(values).any():
        raise RecurraError(f"input {position} holds a value that is infinite")
    return [Signal(values, codec.channels, "", [], f"input {position}")]


def _answers(
    network: Network, codec: SignalCodec, rows: Sequence[Signal]
) -> list[SignalPrediction] | list[StepPrediction]:
    if isinstance(network, ManyToManyEqual):

        def steps(batch: Any) -> list[Any]:
            p = network(batch.x, batch.lengths).softmax(-1)
            return [row[:n] for row, n in zip(p, batch.lengths.tolist(), strict=True)]

        found = collect(network, codec, rows, steps)
        return [
            StepPrediction(
                row.where,
                [codec.labels[i] for i in p.argmax(-1).tolist()],
                dict(zip(codec.labels, p.T.tolist(), strict=True)),
            )
            for row, p in zip(rows, found, strict=True)
        ]
    early = network.body.streams and not codec.own_scale

    def whole(batch: Labelled) -> list[Any]:
        p = network(batch.x, batch.lengths).softmax(-1)
        if not early:
            return [(row, None) for row in p]
        heard = network.heard(batch.x, batch.lengths).softmax(-1)
        cut = [row[:n] for row, n in zip(heard, batch.lengths.tolist(), strict=True)]
        return list(zip(p, cut, strict=True))

    return [
        _answer(row, codec, p, heard)
        for row, (p, heard) in zip(rows, collect(network, codec, rows, whole), strict=True)
    ]


def _answer(row: Signal, codec: SignalCodec, p: Any, heard: Any) -> SignalPrediction:
    best = int(p.argmax())
    told = dict(zip(codec.labels, p.tolist(), strict=True))
    if heard is None:
        return SignalPrediction(row.where, codec.labels[best], float(p[best]), told)
    return SignalPrediction(
        row.where,
        codec.labels[best],
        float(p[best]),
        told,
        settled_at([*heard[:-1].argmax(-1).tolist(), best]),
        dict(zip(codec.labels, heard.T.tolist(), strict=True)),
    )
