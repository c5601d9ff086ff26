"""Rows of the fields that say how series are watched."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from recurra.streaming.surprise import threshold_of
from recurra.tasks.run import complete
from recurra.tasks.task import Task
from recurra.tasks.watch import Watch, watch
from recurra.topologies import Gaussian, StudentT

from .conftest import Lab, Seen
from .table import proves

NAME = "anomaly_detection"


def scores(task: Task, lab: Lab, network: Any, **fields: Any) -> list[float]:
    recipe = lab.recipe(task, **fields)
    (one,) = lab.splits(task).train
    return [moment.score for moment in watch(network, lab.codec(task), one, recipe)]


@proves("label_column", NAME)
def test_label_column_is_the_one_named(task: Task, tmp_path: Path):
    lines = [f"2026-01-{i + 1:02},{i},{i % 2},{int(i > 25)}" for i in range(30)]
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["day,value,odd,is_anomaly", *lines]) + "\n")
    for named, names, marked in [("odd", ("value", "is_anomaly"), 15), (None, ("value", "odd"), 4)]:
        found = task.read(complete(task, {"data": str(path), "label_column": named}))
        assert found.train[0].names == names
        assert found.test[0].known.sum() == marked


@proves("windows", NAME)
def test_windows_mark_what_lies_within(task: Task, lab: Lab, tmp_path: Path):
    windows = tmp_path / "windows.json"
    windows.write_text(json.dumps([["2026-01-01 05:00", "2026-01-01 07:00"]]))
    (one,) = task.read(lab.recipe(task, windows=str(windows))).train
    assert np.flatnonzero(one.known[:, 0]).tolist() == [5, 6, 7]


@proves("steps", NAME)
def test_steps_are_rows_or_times(task: Task, tmp_path: Path):
    days = [d for d in range(1, 30) if d not in (5, 6)]
    path = tmp_path / "rows.csv"
    path.write_text("day,x\n" + "".join(f"2026-01-{d:02},{d}\n" for d in days))
    for steps, count in [("rows", 27), ("regular", 29)]:
        recipe = complete(task, {"data": str(path), "steps": steps, "split": "0.5,0.25,0.25"})
        assert len(task.read(recipe).test[0].values) == count


@proves("calendar", NAME)
def test_calendar_tells_the_hour(task: Task, lab: Lab):
    train = lab.splits(task).train
    for asked, size in [(False, 6), (True, 8)]:
        recipe = lab.recipe(task, calendar=asked)
        codec = task.fit(train, recipe)
        assert codec.encode(train[0])[0].shape[1] == codec.size == size
        network = task.build(codec, recipe).eval()
        x = torch.zeros(1, 3, size)
        moved = x.clone()
        moved[..., 6:] += 1
        assert torch.equal(network(x), network(moved)) is not asked


@proves("drift", NAME)
def test_drift_is_the_half_life_of_the_level(task: Task, lab: Lab):
    train = lab.splits(task).train
    found = [task.fit(train, lab.recipe(task, drift=h)).encode(train[0])[0] for h in (2.0, 1e6)]
    assert torch.equal(found[0][:2], found[1][:2])
    assert not torch.allclose(found[0], found[1], atol=0.1)


@proves("output", NAME)
def test_output_is_the_distribution(task: Task, lab: Lab):
    for output, kind in [("student_t", StudentT), ("gaussian", Gaussian)]:
        assert type(lab.build(task, output=output).output.distribution) is kind


@proves("embedding", NAME)
def test_embedding_is_the_width_of_a_step(task: Task, lab: Lab):
    network = lab.build(task, embedding=13)
    seen = Seen(body=network.body)
    network.loss(lab.batch(task))
    assert {x[0].shape[2] for x in seen.x["body"]} == {13}


@proves("bptt", NAME)
def test_bptt_is_the_steps_of_a_window(task: Task, lab: Lab):
    train = lab.splits(task).train
    for bptt in (5, 32):
        recipe = lab.recipe(task, bptt=bptt)
        items = task.items(task.fit(train, recipe), train, recipe)
        assert {len(x) for x, _ in items} == {bptt}
        steps = len(train[0].values) - 1
        assert len(items) == (steps - bptt) // max(1, bptt // 16) + 1


@proves("alarm_rate", NAME)
def test_alarm_rate_sets_the_threshold(task: Task, lab: Lab):
    network = lab.build(task)
    valid = lab.splits(task).valid
    found = []
    for rate in (1e-12, 0.05):
        recipe = lab.recipe(task, alarm_rate=rate, smooth=1.0)
        assert task.finish is not None
        task.finish(network, lab.codec(task), valid, recipe)
        said = [m.score for m in watch(network, lab.codec(task), valid[0], recipe)]
        assert float(network.threshold) == pytest.approx(threshold_of(np.array(said), rate))
        found.append(float(network.threshold))
    assert found[0] > found[1]


@proves("surprise smooth memory level", NAME)
def test_what_is_unusual_is_as_asked(task: Task, lab: Lab):
    network = lab.build(task).eval()
    usual = scores(task, lab, network)
    others = ({"surprise": "likelihood"}, {"smooth": 2.0}, {"memory": 20.0}, {"level": 0.0})
    for fields in others:
        assert scores(task, lab, network, **fields) != usual
    same = {"smooth": 5.0, "memory": 150.0, "level": 3000.0, "surprise": "error"}
    assert scores(task, lab, network, **same) == usual


@proves("rest threshold", NAME)
def test_rest_and_threshold_decide_alarms(task: Task, lab: Lab):
    network = lab.build(task).eval()
    (one,) = lab.splits(task).test
    counts = {}
    for rest in (1, 200):
        for threshold in (1e-3, 1.0):
            recipe = lab.recipe(task, rest=rest, threshold=threshold)
            said = watch(network, lab.codec(task), one, recipe)
            counts[rest, threshold] = sum(moment.since == 0 for moment in said)
    assert counts[1, 1.0] == counts[200, 1.0] == 0
    assert counts[1, 1e-3] > counts[200, 1e-3] == 1


@proves("smooth memory level rest threshold surprise", NAME)
def test_a_stream_takes_the_same_fields(task: Task, lab: Lab, monkeypatch: pytest.MonkeyPatch):
    from recurra.tasks.model import Model

    fields = {"smooth": 3.0, "memory": 44.0, "level": 55.0, "rest": 7, "threshold": 0.3}
    fields |= {"surprise": "likelihood"}
    model = Model(task, lab.recipe(task), lab.codec(task), lab.build(task))
    stream = Watch(model, **fields)
    assert stream.surprise.errors.latest.least == 1 - 0.5 ** (1 / 3)
    assert stream.surprise.errors.usual.least == 1 - 0.5 ** (1 / 44)
    assert stream.surprise.values is not None
    assert stream.surprise.values.level.least == 1 - 0.5 ** (1 / 55)
    assert (stream.surprise.rest, stream.surprise.threshold) == (7, 0.3)
    assert stream.kind == "likelihood"
