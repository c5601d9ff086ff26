"""Watching: a stream says what a file says, and marks are learned from by nobody."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import recurra
from recurra.codecs.alarms import Watched
from recurra.errors import RecurraError
from recurra.tasks import watch as watching
from recurra.tasks.anomaly_detection import AnomalyRecipe, baseline, fit, judged, read
from recurra.tasks.codecs.watch import WatchCodec
from recurra.tasks.model import Model
from recurra.tasks.watch import Watch, watch

from .conftest import TINY, write_reviews, write_sensor

SMALL = {**TINY, "epochs": 3, "bptt": 24, "learning_rate": 0.01, "rest": 20, "memory": 60.0}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("watch")


@pytest.fixture(scope="module")
def model(home: Path) -> Model:
    return recurra.train(
        "anomaly_detection", data=write_sensor(home), out=str(home / "run"), **SMALL
    )


def rows_of(path: str) -> list[dict[str, str]]:
    with Path(path).open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("chunk", [4096, 7])
def test_a_stream_says_what_a_file_says(
    model: Model, home: Path, chunk: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(watching, "CHUNK", chunk)
    path = str(home / "sensor.csv")
    (answer,) = model.predict([path])
    stream = Watch(model)
    for row, moment in zip(rows_of(path), answer.series[0].moments, strict=True):
        said = stream.step([float(row["heat"]), float(row["flow"])], row["time"].replace(" ", "T"))
        assert said.score == pytest.approx(moment.score, abs=1e-4)
        assert (said.alarm, said.since) == (moment.alarm, moment.since)


def test_a_missing_number_streams_too(model: Model, home: Path):
    rows = rows_of(str(home / "sensor.csv"))
    for i in (50, 51, 120):
        rows[i]["heat"] = ""
    path = home / "holes.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    (answer,) = model.predict([path])
    stream = Watch(model)
    for row, moment in zip(rows, answer.series[0].moments, strict=True):
        values = [float(row["heat"] or "nan"), float(row["flow"])]
        said = stream.step(values, row["time"].replace(" ", "T"))
        assert said.score == pytest.approx(moment.score, abs=1e-4)


def test_what_is_unusual_is_found_in_its_channel(model: Model, home: Path):
    (answer,) = model.predict([str(home / "sensor.csv")], threshold=0.5)
    one = answer.series[0]
    scores = np.array([moment.score for moment in one.moments])
    assert 218 <= int(scores.argmax()) <= 230
    assert one.channel(int(scores.argmax())) == "heat"


def test_marks_are_no_channel_and_change_nothing_that_is_learned(model: Model, home: Path):
    text = (home / "sensor.csv").read_text().splitlines()
    other = home / "unmarked.csv"
    other.write_text("\n".join(line.rpartition(",")[0] for line in text) + "\n")
    plain = recurra.train("anomaly_detection", data=str(other), out=str(home / "plain"), **SMALL)
    ours, theirs = model.network.state_dict(), plain.network.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert isinstance(model.codec, WatchCodec)
    assert model.codec.names == ("heat", "flow")
    assert "average_precision" not in plain.metrics["test"]
    assert plain.metrics["test"]["loss"] == model.metrics["test"]["loss"]


def test_marks_are_no_channel_of_a_folder_s_files_either(home: Path):
    folder = home / "parts"
    folder.mkdir()
    head, *lines = (home / "sensor.csv").read_text().splitlines()
    for name, rows in [("train", lines[:150]), ("valid", lines[150:190]), ("test", lines[190:])]:
        (folder / f"{name}.csv").write_text("\n".join([head, *rows]) + "\n")
    parts = read(AnomalyRecipe(data=str(folder)))
    assert [part[0].names for part in parts.parts] == [("heat", "flow")] * 3
    assert parts.test[0].known.sum() == 6
    windows = home / "other.json"
    windows.write_text(json.dumps([["2026-01-09", "2026-01-09 03:00"]]))
    marked = read(AnomalyRecipe(data=str(folder / "test.csv"), windows=str(windows)))
    assert marked.train[0].names == ("heat", "flow")
    assert marked.test[0].known.sum() == 4


def test_windows_of_a_file_are_as_marks_of_a_column(model: Model, home: Path):
    windows = home / "windows.json"
    windows.write_text(json.dumps({"sensor.csv": [["2026-01-10 02:00", "2026-01-10 07:00"]]}))
    text = (home / "sensor.csv").read_text().splitlines()
    folder = home / "nab"
    folder.mkdir()
    plain = folder / "sensor.csv"
    plain.write_text("\n".join(line.rpartition(",")[0] for line in text) + "\n")
    found = model.evaluate(str(plain), windows=str(windows))
    assert found == model.evaluate(str(home / "sensor.csv"))
    assert found["average_precision"] > 0.2


def test_the_future_says_nothing_of_the_past(model: Model, home: Path):
    recipe = model.recipe
    assert isinstance(recipe, AnomalyRecipe)
    series = read(replace(recipe, valid=recipe.data, test=recipe.data)).test[0]
    changed = series._replace(values=series.values.copy())
    changed.values[100:] *= -7
    one, two = (watch(model.network, model.codec, s, recipe) for s in (series, changed))
    assert one[:100] == two[:100]
    assert one[100:] != two[100:]


def test_the_loss_of_a_part_is_of_its_own_steps(model: Model):
    recipe, codec = model.recipe, model.codec
    assert isinstance(recipe, AnomalyRecipe)
    parts = read(recipe)
    (test,) = parts.test
    x, y = codec.encode(test)
    assert len(x) == 239
    assert y[: test.begin - 1].isnan().all()
    assert not y[test.begin - 1 :].isnan().any()
    with torch.no_grad():
        raw = model.network.foretell(x)
        told = model.network.output.distribution
        wanted = told.losses(raw, y.nan_to_num())[test.begin - 1 :].mean()
    assert model.metrics["test"]["loss"] == pytest.approx(float(wanted), rel=1e-5)


def test_the_threshold_is_told_by_the_validation_parts_past_and_travels(model: Model, home: Path):
    limit = float(model.network.threshold)
    assert limit != 0.5
    assert float(recurra.load(home / "run").network.threshold) == limit
    scores = [m.score for m in model.predict([str(home / "sensor.csv")])[0].series[0].moments]
    for asked, alarms in ((1.0, 0), (max(scores), 1)):
        said = model.predict([str(home / "sensor.csv")], threshold=asked)[0].series[0]
        assert len(said.alarms) == alarms
        assert said.threshold == asked


def test_an_alarm_is_told_from_its_first_step_to_its_last(model: Model, home: Path, tmp_path: Path):
    path = str(home / "sensor.csv")
    (answer,) = model.predict([path], threshold=0.45)
    one = answer.series[0]
    assert one.alarms
    lines = rows_of(str(answer.save(tmp_path / "said.csv")))
    assert [float(line["score"]) for line in lines] == pytest.approx(
        [moment.score for moment in one.moments], abs=1e-6
    )
    for alarm in one.alarms:
        rows = [line for line in lines if line["since"] == alarm.since]
        assert rows[0]["time"] == alarm.since
        assert max(line["time"] for line in rows if line["alarm"] == "1") == alarm.until
        assert max(float(line["score"]) for line in rows) == pytest.approx(alarm.score, abs=1e-6)
    assert str(answer).startswith(f"{path}: {len(one.alarms)} alarm")
    told = json.loads((answer.save(tmp_path / "said.json")).read_text())
    assert told == json.loads(json.dumps(answer.asdict()))
    assert answer.save(tmp_path / "said.svg").read_text().lstrip().startswith("<?xml")
    with pytest.raises(RecurraError, match="written as"):
        answer.save(tmp_path / "said.mid")
    assert isinstance(answer, Watched)


def test_figures_are_of_the_part_alone(model: Model):
    recipe = model.recipe
    assert isinstance(recipe, AnomalyRecipe)
    rows = read(recipe).test
    said = [watch(model.network, model.codec, one, recipe) for one in rows]
    found = judged(rows, said)
    spoiled = [
        [m._replace(score=1.0, since=0) for m in said[0][: rows[0].begin]]
        + said[0][rows[0].begin :]
    ]
    assert judged(rows, spoiled) == found
    begun = sum(m.since == 0 for m in said[0][rows[0].begin :])
    assert found["alarms_per_1000"] == pytest.approx(1000 * begun / (240 - rows[0].begin))


def test_the_baseline_is_a_normal_of_the_training_parts_moves(home: Path):
    recipe = AnomalyRecipe(data=str(home / "sensor.csv"))
    parts = read(recipe)
    codec = fit(parts.train, recipe)
    moves = codec.measure(parts.train[0])[1]
    asked = codec.measure(parts.test[0])[1][parts.test[0].begin :]
    normal = torch.distributions.Normal(0.0, float(np.nanstd(moves)))
    wanted = -float(normal.log_prob(torch.from_numpy(asked)).mean())
    assert baseline(codec, parts.train, parts.test, recipe)["loss"] == pytest.approx(
        wanted, rel=1e-4
    )


def test_channels_in_another_order_and_missing_ones(model: Model, home: Path):
    rows = rows_of(str(home / "sensor.csv"))
    turned, short = home / "turned.csv", home / "short.csv"
    turned.write_text(
        "\n".join(["flow,time,heat", *(f"{r['flow']},{r['time']},{r['heat']}" for r in rows)])
    )
    short.write_text("\n".join(["time,flow", *(f"{r['time']},{r['flow']}" for r in rows)]))
    one, other = model.predict([str(home / "sensor.csv"), str(turned)])
    assert one.series[0].moments == other.series[0].moments
    with pytest.raises(RecurraError, match="has no values heat; it has flow"):
        model.predict([str(short)])


def test_wrong_steps_are_refused(model: Model, home: Path):
    stream = Watch(model)
    with pytest.raises(ValueError, match="give a number for each of heat, flow"):
        stream.step([1.0], "2026-01-01")
    with pytest.raises(ValueError, match="give a number"):
        stream.step([1.0, np.inf], "2026-01-01")
    with pytest.raises(ValueError, match="give the time"):
        stream.step([1.0, 2.0])
    other = recurra.train("sentiment", data=write_reviews(home), out=str(home / "s"), **TINY)
    with pytest.raises(RecurraError, match="Watch takes a model of anomaly_detection"):
        Watch(other)
    with pytest.raises(RecurraError, match="rest"):
        Watch(model, rest=-1)


def test_a_channel_that_stands_still_is_told_and_its_first_move_is_unusual(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    rng = np.random.default_rng(0)
    rows = [f"{t},{7 if t < 170 else 9},{rng.normal():.3f}" for t in range(200)]
    (tmp_path / "flat.csv").write_text("t,flat,busy\n" + "\n".join(rows) + "\n")
    data, out = str(tmp_path / "flat.csv"), str(tmp_path / "run")
    model = recurra.train("anomaly_detection", data=data, out=out, epochs=1, hidden=4)
    told = capsys.readouterr().err
    assert (
        "'flat' is 7 throughout the training part: what else is usual for it was not seen" in told
    )
    assert told.count("throughout the training part") == 1
    (answer,) = model.predict([data])
    moments = answer.series[0].moments
    assert (moments[170].alarm, moments[170].channel) == (True, 0)
    assert not any(moment.alarm for moment in moments[:170])
