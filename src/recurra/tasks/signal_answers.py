"""What a model says of files and arrays of signals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from recurra.codecs.heard import (
    SignalPrediction,
    StepPrediction,
    by_input,
)
from recurra.data.batch import Labelled
from recurra.data.readers.signal import Signal
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
    groups = [codec.read(_array(one), i, recipe) for i, one in enumerate(inputs, 1)]
    rows = [row for group in groups for row in group]
    answers = _answers(network, codec, rows)
    return by_input(inputs, groups, answers)


def _array(given: Any) -> Any:
    """Return a tensor's numbers as an array, and what is none as it is."""
    return given.detach().cpu().numpy() if isinstance(given, torch.Tensor) else given


def _answers(
    network: Network, codec: SignalCodec, rows: Sequence[Signal]
) -> list[SignalPrediction] | list[StepPrediction]:
    if isinstance(network, ManyToManyEqual):

        def steps(batch: Any) -> list[Any]:
            p = network(batch.x, batch.lengths).softmax(-1)
            return [row[:n] for row, n in zip(p, batch.lengths.tolist(), strict=True)]

        found = collect(network, codec, rows, steps)
        return [
            StepPrediction.of(row.where, codec.labels, p)
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
        SignalPrediction.of(row.where, codec.labels, p, heard)
        for row, (p, heard) in zip(rows, collect(network, codec, rows, whole), strict=True)
    ]
