"""Figures of a watch: when its alarms came, and what the distance from the mean would have said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from recurra.data.readers.marks import marks_of
from recurra.data.readers.series import Series
from recurra.streaming.surprise import Moment, Surprise, threshold_of
from recurra.tasks.codecs.watch import WatchCodec
from recurra.tasks.watch import habits
from recurra.training.alarms import average_precision, event_scores, nab, windows_of


def judged(rows: Sequence[Series], said: Sequence[Sequence[Moment]]) -> dict[str, float]:
    """Return figures of what was said of each series' part, from where the part begins."""
    parts = [moments[one.begin :] for one, moments in zip(rows, said, strict=True)]
    begun = [np.array([moment.since == 0 for moment in part]) for part in parts]
    found = {"alarms_per_1000": 1000 * float(np.concatenate(begun).mean())}
    marks = [None if (m := marks_of(one)) is None else m[one.begin :] for one in rows]
    there = [mark for mark in marks if mark is not None]
    if len(there) < len(rows) or not np.concatenate(there).any():
        return found
    scores = np.array([moment.score for part in parts for moment in part])
    windows = [windows_of(mark) for mark in there]
    return {
        **found,
        "average_precision": average_precision(scores, np.concatenate(there)),
        **event_scores(begun, windows),
        "nab": nab(begun, windows, [0] * len(rows)),
    }


def baseline(
    codec: WatchCodec, train: Sequence[Series], test: Sequence[Series], recipe: Any
) -> dict[str, float]:
    """Return what the distance from the mean so far tells, and a normal distribution of moves."""
    moves = np.concatenate([codec.measure(one)[1][one.begin :] for one in train])
    size = float(np.nanstd(moves)) + 1e-6
    asked = np.concatenate([codec.measure(one)[1][max(one.begin, 1) :] for one in test])
    z = asked[~np.isnan(asked)] / size
    loss = float(np.mean(z**2) / 2 + np.log(size) + np.log(2 * np.pi) / 2)
    usual = [moment.score for one in train for moment in _far(codec, one, recipe, 0.5)]
    limit = threshold_of(np.array(usual), recipe.alarm_rate)
    found = judged(test, [_far(codec, one, recipe, limit) for one in test])
    del found["alarms_per_1000"]  # which is none of a figure's two sides
    return {"loss": loss, **found}


def _far(codec: WatchCodec, one: Series, recipe: Any, threshold: float) -> list[Moment]:
    """Return what is said of each step where its place is taken for its error."""
    surprise = Surprise(len(codec.names), replace(habits(recipe), level=0.0), threshold)
    places = codec.measure(one)[0][:, : len(codec.names)]
    return [surprise.take(step, step) for step in np.abs(places).astype(np.float64)]
