"""Forecasting: parts in time, windows, baselines, and files that go on."""

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import recurra
from recurra.codecs.fan import draw
from recurra.data.calendar import features, fields, season
from recurra.data.samples import series as sample
from recurra.data.timeline import Timeline
from recurra.demo.showcases import SHOWCASES
from recurra.demo.showcases import series as showcase
from recurra.errors import DataError, RecurraError
from recurra.tasks import naive
from recurra.tasks.codecs.series import SeriesCodec
from recurra.tasks.forecasting import FORECASTING
from recurra.tasks.foretell import ForecastingRecipe
from recurra.tasks.model import Model
from recurra.tasks.run import complete

from .conftest import TINY, write_series

SMALL = {**TINY, "horizon": 4, "lookback": 8, "segment": 2, "epochs": 2}


def hourly(folder: Path, count: int = 60, name: str = "h.csv", extra: str = "") -> str:
    lines = ["time,a,b"]
    for i in range(count):
        day, hour = divmod(i, 24)
        lines.append(f"2020-01-{day + 1:02} {hour:02}:00,{i % 24 + i / 50},{10 * math.sin(i)}")
    (folder / name).write_text("\n".join(lines) + "\n" + extra)
    return str(folder / name)


def setup(data: str, **options: Any) -> tuple[ForecastingRecipe, Any, SeriesCodec]:
    recipe = complete(FORECASTING, {**SMALL, "data": data, **options})
    splits = FORECASTING.read(recipe)
    codec = FORECASTING.fit(splits.train, recipe)
    assert isinstance(codec, SeriesCodec)
    return recipe, splits, codec


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Model:
    home = tmp_path_factory.mktemp("run")
    return recurra.train("forecasting", data=hourly(home), out=str(home / "run"), **SMALL)


def test_parts_follow_one_another_and_targets_never_meet(tmp_path: Path):
    _, splits, codec = setup(hourly(tmp_path), split="30,12,16")
    spans = [(part[0].begin, len(part[0].values)) for part in splits.parts]
    assert spans == [(0, 30), (30, 42), (42, 58)]
    targets = []
    for part in splits.parts:
        windows = codec.windows(part, 4)
        found = set()
        for i in range(len(windows)):
            number, start = windows.place(i)
            assert number == 0
            found |= set(range(start + 8, start + 12))
        targets.append(found)
    assert targets == [set(range(8, 30)), set(range(30, 42)), set(range(42, 58))]
    _, splits, _ = setup(hourly(tmp_path), split="0.5,0.2,0.3")
    assert [(p[0].begin, len(p[0].values)) for p in splits.parts] == [(0, 30), (30, 42), (42, 60)]


def test_the_scale_is_of_the_training_part_alone(tmp_path: Path):
    _, splits, codec = setup(hourly(tmp_path))
    values = splits.train[0].values
    assert len(values) == 42
    np.testing.assert_allclose(codec.scale.mean, values.mean(0))
    np.testing.assert_allclose(codec.scale.deviation, values.std(0))


def test_a_window_is_past_and_future_of_its_place(tmp_path: Path):
    _, splits, codec = setup(hourly(tmp_path), calendar=True)
    windows = codec.windows(splits.test, 4)
    batch = codec.collate([windows[2]])
    begin = splits.test[0].begin
    whole = splits.test[0].values
    np.testing.assert_allclose(
        codec.scale.undo(batch.past[0].numpy()), whole[begin - 6 : begin + 2], rtol=1e-5
    )
    np.testing.assert_allclose(
        codec.scale.undo(batch.future[0].numpy()), whole[begin + 2 : begin + 6], rtol=1e-5
    )
    wanted = features(splits.test[0].timeline, len(whole), codec.calendar)
    np.testing.assert_array_equal(batch.known[0], wanted[begin - 6 : begin + 6])


def test_a_part_without_a_whole_past_is_filled_up_in_front(tmp_path: Path):
    _, splits, codec = setup(hourly(tmp_path), split="5,12,16", lookback=20, horizon=3)
    windows = codec.windows(splits.valid, 3)
    assert len(windows) == 12 - 3 + 1
    past, future = windows[0]
    assert past[:15, 0].isnan().all()
    np.testing.assert_allclose(
        codec.scale.undo(past[15:].numpy()), splits.valid[0].values[:5], rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(
        codec.scale.undo(future.numpy()), splits.valid[0].values[5:8], rtol=1e-5
    )
    assert len(codec.windows(splits.train, 3)) == 1


def test_every_is_the_steps_between_origins(tmp_path: Path, trained: Model):
    _, splits, codec = setup(hourly(tmp_path))
    assert len(codec.windows(splits.test, 4, 3)) == 3
    assert len(codec.windows(splits.test, 4)) == 9
    assert trained.evaluate(every=3) != trained.evaluate()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"horizon": 30}, "horizon"),
        ({"split": "50,20,20"}, "has 60 steps, too few for 50 train, 20 valid, 20 test"),
        (
            {"split": "0.9,0.05,0.05"},
            "this part has 3 of the 4 steps that a forecast of 4 needs; lower --horizon",
        ),
        ({"split": "0.7,0.3"}, "split: received .* three shares"),
        ({"split": "0.7,0.3,0.3"}, "split: received"),
        ({"output": "quantiles", "strategy": "recursive"}, "quantiles have nothing to draw from"),
        ({"known_columns": "promo"}, "has no column 'promo'; its columns are time, a, b"),
    ],
)
def test_what_cannot_be_foretold(options: dict[str, Any], message: str, tmp_path: Path):
    with pytest.raises(RecurraError, match=message) as caught:
        recurra.train(
            "forecasting", data=hourly(tmp_path), out=str(tmp_path / "r"), **{**SMALL, **options}
        )
    assert "\n" not in str(caught.value)


def test_seasons_and_calendars_of_timelines():
    def line(step: str, count: int = 3) -> Timeline:
        return Timeline.fit(
            np.datetime64("2020-01-01", "us") + np.arange(count) * np.timedelta64(1, step)
        )

    months = np.arange("2020-01", "2021-01", dtype="datetime64[M]").astype("datetime64[us]")
    assert [season(line(step)) for step in "hDWm"] == [24, 7, 52, 1440]
    assert season(Timeline.fit(months)) == 12
    assert season(Timeline.fit(months[::3])) == 4
    assert (
        season(
            Timeline.fit(
                months.astype("datetime64[Y]").astype("datetime64[us]")[[0]].repeat(2)
                + np.array([0, 366], "timedelta64[D]")
            )
        )
        == 1
    )
    assert season(None) == 1
    assert fields(line("h")) == ("hour of day", "day of week", "day of month", "month of year")
    assert fields(line("D")) == ("day of week", "day of month", "month of year")
    assert fields(Timeline.fit(months)) == ("month of year",)
    told = features(line("h", 50), 50, ("hour of day", "day of week"))
    assert told.shape == (50, 4)
    np.testing.assert_allclose(
        told[6], [1, np.sin(2 * np.pi * 2 / 7), 0, np.cos(2 * np.pi * 2 / 7)], atol=1e-6
    )
    np.testing.assert_allclose(told[24, [0, 2]], told[0, [0, 2]], atol=1e-6)
    assert features(Timeline.fit(months), 14, ("month of year",))[13] == pytest.approx(
        [np.sin(2 * np.pi / 12), np.cos(2 * np.pi / 12)]
    )


def test_naive_forecasts():
    past = torch.tensor([1.0, 2, 3, torch.nan, 5])[None, :, None]
    assert naive.repeated(past, 1, 3)[0, :, 0].tolist() == [5, 5, 5]
    assert naive.repeated(past, 3, 4)[0, :, 0].tolist() == [3, 3, 5, 3]
    assert naive.repeated(past, 9, 6)[0, :, 0].tolist() == [1, 2, 3, 3, 5, 1]
    assert naive.repeated(torch.full((1, 2, 1), torch.nan), 1, 1).tolist() == [[[0]]]


def test_the_line_is_found_where_there_is_one(tmp_path: Path):
    """Two sines are a linear recurrence; in the test part, about another level too."""
    x = [math.sin(t) + 0.3 * math.sin(2.3 * t) for t in range(140)]
    (tmp_path / "x.csv").write_text("x\n" + "\n".join(map(str, x)) + "\n")
    recipe, splits, codec = setup(str(tmp_path / "x.csv"), horizon=2)
    found = FORECASTING.peers(codec, splits.train, splits.test, recipe)
    assert found["NLinear"]["mae"] < 0.2 * found["naive"]["mae"]
    assert found["DLinear"]["mae"] < 0.2 * found["naive"]["mae"]
    shifted = [part._replace(values=part.values + 100) for part in splits.test]
    plain, moved = (
        naive.judge(codec, part, 1, lambda b, n: (naive.line(codec, splits.train)(b.past, n), None))
        for part in (splits.test, shifted)
    )
    assert moved["mae"] == pytest.approx(plain["mae"], abs=1e-5)


def test_auto_ets_is_statsforecasts(tmp_path: Path):
    models = pytest.importorskip("statsforecast.models", reason="comes with the extra bench")
    _, splits, codec = setup(hourly(tmp_path))
    (ahead, told) = naive.auto_ets(codec, splits.train, splits.test)(None, [3])
    assert told is None
    begin = splits.test[0].begin + 3
    scaled = codec.scale(splits.test[0].values).astype(np.float64)
    fitted = models.AutoETS(season_length=24).fit(scaled[:42, 1])
    np.testing.assert_allclose(
        ahead[0, :, 1], fitted.forward(scaled[:begin, 1], h=4)["mean"], rtol=1e-4
    )


def test_a_forecast_goes_on_where_the_file_ends(trained: Model, tmp_path: Path):
    path = hourly(tmp_path, 50)
    (answer,) = trained.predict([path])
    told = answer.asdict()
    json.dumps(told)
    assert [one["channel"] for one in told["forecasts"]] == ["a", "b"]
    first = told["forecasts"][0]
    assert first["times"] == [
        "2020-01-03 02:00",
        "2020-01-03 03:00",
        "2020-01-03 04:00",
        "2020-01-03 05:00",
    ]
    assert first["quantiles"]["0.5"] == first["median"]
    rows = np.array(
        [first["quantiles"][level] for level in ("0.05", "0.25", "0.5", "0.75", "0.95")]
    )
    assert (np.diff(rows, axis=0) >= 0).all()
    assert "\n" not in str(answer)
    window = trained.codec.windows(FORECASTING.read(trained.recipe).test, 4)
    number = 50 - 42 - 6  # its future begins at row 50
    batch = trained.codec.collate([window[number + 0]])
    begin = window.place(number)[1] + 8
    (same,) = trained.predict([hourly(tmp_path, begin)])
    middle = trained.network.middle(batch.past, batch.known)[0].detach().numpy()
    np.testing.assert_allclose(
        np.stack([one.median for one in same.channels], -1),
        trained.codec.scale.undo(middle),
        rtol=1e-4,
    )


def test_a_forecast_is_written_as_its_ending_says(trained: Model, tmp_path: Path):
    (answer,) = trained.predict([hourly(tmp_path, 50)])
    with answer.save(tmp_path / "f.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8
    assert float(rows[5]["q0.9"]) == answer.channels[1].quantiles[1, 5]
    assert json.loads(answer.save(tmp_path / "f.json").read_text()) == answer.asdict()
    with pytest.raises(RecurraError, match=r"f.doc: these answers are written as .csv, .json"):
        answer.save(tmp_path / "f.doc")
    first = answer.save(tmp_path / "f.svg").read_bytes()
    assert b"<svg" in first
    assert answer.save(tmp_path / "g.svg").read_bytes() == first
    assert answer.save(tmp_path / "f.png").read_bytes()[:4] == b"\x89PNG"


def test_columns_are_known_by_name(trained: Model, tmp_path: Path):
    path = Path(hourly(tmp_path, 50))
    (answer,) = trained.predict([str(path)])
    cells = [line.split(",") for line in path.read_text().splitlines()]
    (tmp_path / "t.csv").write_text("\n".join(f"{b},{t},{a}" for t, a, b in cells) + "\n")
    (turned,) = trained.predict([str(tmp_path / "t.csv")])
    assert turned.asdict()["forecasts"] == answer.asdict()["forecasts"]
    (tmp_path / "m.csv").write_text("\n".join(f"{t},{a}" for t, a, _ in cells) + "\n")
    with pytest.raises(DataError, match="has no values b; it has a"):
        trained.predict([str(tmp_path / "m.csv")])
    daily = "time,a,b\n2020-01-01,1,2\n2020-01-02,2,3\n"
    (tmp_path / "d.csv").write_text(daily)
    with pytest.raises(
        DataError, match="has a step of 1 day; this model was trained on a step of 1 h"
    ):
        trained.predict([str(tmp_path / "d.csv")])


def test_a_file_shorter_than_the_look_back_is_continued(trained: Model, tmp_path: Path):
    (answer,) = trained.predict([hourly(tmp_path, 3)])
    assert np.isfinite(answer.channels[0].median).all()


def test_what_is_known_ahead_is_needed_and_has_a_say(tmp_path: Path):
    lines = ["day,x,promo"]
    for i in range(80):
        on = int(i % 9 in (2, 3))
        lines.append(f"{np.datetime64('2020-01-01') + i},{5 * on + (i % 3) / 9},{on}")
    path = tmp_path / "p.csv"
    path.write_text("\n".join(lines) + "\n")
    model = recurra.train(
        "forecasting", data=str(path), out=str(tmp_path / "r"),
        **{**SMALL, "known_columns": "promo", "epochs": 12, "learning_rate": 0.02, "dropout": 0},
    )  # fmt: skip  # read as a table
    with pytest.raises(
        DataError, match="gives promo for 0 steps after the last value; the horizon has 4"
    ):
        model.predict([str(path)])
    answers = []
    for promo in ("0,0,0,0", "0,1,1,0"):
        more = [
            f"{np.datetime64('2020-01-01') + 80 + i},,{on}" for i, on in enumerate(promo.split(","))
        ]
        path.write_text("\n".join([*lines, *more]) + "\n")
        answers.append(model.predict([str(path)])[0].channels[0].median)
    assert (answers[1] - answers[0])[1:3].min() > 1
    assert model.codec.known_names == ("promo",)


def test_a_recursive_forecast_is_of_its_seed(tmp_path: Path):
    data = hourly(tmp_path)
    model = recurra.train(
        "forecasting", data=data, out=str(tmp_path / "r"), strategy="recursive", output="gaussian",
        **{**SMALL, "segment": 1},
    )  # fmt: skip  # read as a table
    one, same, other, few = (
        model.predict([data], **given)[0].asdict()
        for given in ({"seed": 1}, {"seed": 1}, {"seed": 2}, {"seed": 1, "samples": 3})
    )
    assert one == same
    assert one != other
    assert one != few
    assert model.codec.stride == 1
    assert set(model.evaluate(every=4)) >= {"crps", "coverage_90"}


def test_several_series_are_one_model(tmp_path: Path):
    model = recurra.train(
        "forecasting", data=write_series(tmp_path), out=str(tmp_path / "r"), **TINY
    )
    assert model.metrics["train_examples"] == 2
    (answer,) = model.predict([write_series(tmp_path)])
    assert [(one.series, one.channel) for one in answer.channels] == [
        (s, c) for s in ("east", "west") for c in ("load", "wind")
    ]


def test_the_samples_are_what_they_are_said_to_be():
    co2, spots = sample.co2(), sample.sunspots()
    assert (len(co2.values), int(np.isnan(co2.values).sum()), str(co2.timeline)) == (
        526,
        5,
        "1 month",
    )
    assert co2.values[0, 0] == pytest.approx((316.1), abs=0.5)
    assert (len(spots.values), str(spots.timeline)) == (309, "1 year")
    splits = FORECASTING.read(complete(FORECASTING))
    assert [(p[0].begin, len(p[0].values)) for p in splits.parts] == [
        (0, 368),
        (368, 421),
        (421, 526),
    ]


def test_the_codec_is_what_its_files_say(trained: Model):
    codec = trained.codec
    assert isinstance(codec, SeriesCodec)
    assert SeriesCodec.from_files(codec.files()) == codec
    stored = json.loads(codec.files()["series.json"])
    for key, value in [("horizon", 0), ("names", []), ("names", ["a"])]:
        with pytest.raises(ValueError, match=r"are 1 or more|one scale for each"):
            SeriesCodec.from_files({"series.json": json.dumps({**stored, key: value})})


def test_a_constant_series_and_one_with_gaps_train(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    rows = [f"2020-01-{d:02},{5},{'' if 10 < d < 14 else d % 7}" for d in range(1, 31) if d != 9]
    (tmp_path / "c.csv").write_text("day,flat,gaps\n" + "\n".join(rows) + "\n")
    model = recurra.train(
        "forecasting", data=str(tmp_path / "c.csv"), out=str(tmp_path / "r"),
        **{**SMALL, "horizon": 2, "lookback": 4},
    )  # fmt: skip  # read as a table
    told = capsys.readouterr().err
    assert "'flat' is 5 throughout the training part: there is nothing in it to foretell" in told
    assert "'gaps'" not in told.split("throughout")[0].splitlines()[-1]
    assert model.codec.missing
    assert all(map(math.isfinite, model.metrics["test"].values()))
    (answer,) = model.predict([str(tmp_path / "c.csv")])
    assert np.isfinite(answer.channels[1].median).all()


def test_the_demo_shows_what_was_foretold_and_what_came(
    trained: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    drawn: list[Any] = []
    monkeypatch.setattr(showcase, "draw", lambda told: drawn.append(told) or draw(told))
    shown = SHOWCASES["forecasting"](trained, tmp_path)
    values = FORECASTING.read(trained.recipe).test[0].values
    for i, one in enumerate(drawn[0].channels):
        origin = 48 + 4 * (i // 2)
        assert one.truth.tolist() == values[origin : origin + 4, i % 2].tolist()
        assert one.before[-1] == values[origin - 1, i % 2]
    assert "http" not in shown.replace("http://www.w3.org/2000/svg", "")
    assert shown.count("<svg") == 1
    told = json.loads((tmp_path / "forecast.json").read_text())["forecasts"]
    begin = FORECASTING.read(trained.recipe).test[0].begin
    assert [one["times"][0] for one in told[::2]] == [
        str(np.datetime64("2020-01-01T00", "h") + begin + 4 * i).replace("T", " ") + ":00"
        for i in range(len(told) // 2)
    ]
