"""A series that is watched: a stream scores each row as `predict` does."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recurra.tasks.model import Model
from recurra.tasks.streams.session import Session
from recurra.tasks.watch import Watch
from tests.tasks.conftest import write_sensor

from .made import cuts, heard, made, refuses, same, size

SMALL: dict[str, Any] = {"bptt": 24, "rest": 20, "memory": 60.0, "threshold": 0.4}


def rows_of(path: str) -> list[dict[str, Any]]:
    with Path(path).open(newline="") as file:
        return [
            {"values": [float(row["heat"]), float(row["flow"])], "time": row["time"]}
            for row in csv.DictReader(file)
        ]


@pytest.mark.parametrize(
    "fields",
    [{}, {"surprise": "likelihood", "output": "gaussian"}, {"level": 0.0, "threshold": 0.2}],
)
def test_each_row_is_scored_as_in_a_file(tmp_path: Path, fields: dict[str, Any]):
    model = made("anomaly_detection", tmp_path, **{**SMALL, **fields})
    assert model.codec.calendar
    told = heard(model, rows_of(str(tmp_path / "sensor.csv")))
    (answer,) = model.predict([str(tmp_path / "sensor.csv")])
    moments = answer.series[0].moments
    assert [one["score"] for one in told] == pytest.approx([m.score for m in moments], abs=1e-4)
    assert [one["alarm"] for one in told] == [moment.alarm for moment in moments]
    assert any(one["alarm"] for one in told)
    for step, (one, moment) in enumerate(zip(told, moments, strict=True), 1):
        assert one["step"] == step
        assert one["since"] == (step - moment.since if moment.since >= 0 else None)
        if moment.score > 0.01:
            assert one["channel"] == model.codec.names[moment.channel]


def watcher(folder: Path) -> Model:
    return made("anomaly_detection", folder, **SMALL, calendar=False)


def test_rows_of_an_array_and_missing_numbers(tmp_path: Path):
    model = watcher(tmp_path)
    x = np.array([row["values"] for row in rows_of(write_sensor(tmp_path))], np.float32)
    x[[5, 60, 61], 0] = np.nan
    rows = [[None if np.isnan(v) else v for v in row] for row in x.tolist()]
    told = heard(model, rows)
    for pieces in ([x], [x.ravel()], cuts(x, 1)):
        assert same(heard(model, pieces), told)
    watch = Watch(model)
    scores = [watch.step(row).score for row in x]
    assert [one["score"] for one in told] == pytest.approx(scores, abs=1e-5)


def test_a_memory_stays_as_small_as_it_is(tmp_path: Path):
    session = Session(watcher(tmp_path))
    sizes = []
    for i in range(3):
        session.push(np.random.default_rng(i).normal(size=(40, 2)).astype(np.float32))
        sizes.append(size(session.memory))
    assert sizes[0] == sizes[2]


def test_wrong_frames_change_nothing(tmp_path: Path):
    wrong: list[Any] = [
        *(None, 1.0, "a", {}, [], [1.0], [1, 2, 3], [1, True], [1, "2"], [1, [2]], [1, 1e101]),
        *([1, float("inf")], {"time": "2026-01-31"}, {"values": [1, 2], "when": 1}),
        *({"values": [1]}, {"values": [1, 2], "time": 3}, {"values": {"values": [1, 2]}}),
        *(np.zeros((2, 3), np.float32), np.array([1, np.inf], np.float32), [1, 10**400]),
    ]
    refuses(watcher(tmp_path), wrong, [1.0, None])
    timed = [
        *([1.0, 2.0], {"values": [1, 2]}, {"values": [1, 2], "time": "soon"}),
        *({"values": [1, 2], "time": "2026-02-31"}, {"values": [1, 2], "time": "1" * 200}),
        {"values": [1, 2], "time": "5"},
    ]
    good = {"values": [1, 2], "time": "2026-01-31 09:00"}
    refuses(made("anomaly_detection", tmp_path, **SMALL), timed, good)
