"""Rows of the fields that say what is read of series, and how they are foretold."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from recurra.data.splits import Splits
from recurra.errors import RecurraError
from recurra.tasks.run import build, complete
from recurra.tasks.task import Task
from recurra.topologies import Gaussian, Point, Quantiles, StudentT

from .conftest import Lab, Seen
from .table import proves

BOTH = ("forecasting", "anomaly_detection")
ROWS = "".join(
    f"{i % 2},{np.datetime64('2020-01-01') + i},{np.datetime64('2021-01-01') + 7 * i},"
    f"{i},{100 + i}\n"
    for i in range(40)
)


def read(task: Task, folder: Path, text: str = "", **fields: Any) -> Splits[Any]:
    path = folder / "rows.csv"
    path.write_text(text or "who,day,week,a,b\n" + ROWS)
    if "steps" in task.options:
        fields = {"steps": "regular", **fields}
    return task.read(complete(task, {"data": str(path), **fields}))


@proves("time_column", *BOTH)
def test_time_column_is_the_one_named(task: Task, tmp_path: Path):
    for name, step in [("day", "1 day"), ("week", "1 week"), ("3", "1 week")]:
        assert str(read(task, tmp_path, time_column=name).train[0].timeline) == step


@proves("value_columns", *BOTH)
def test_value_columns_are_the_ones_named_in_their_order(task: Task, tmp_path: Path):
    assert read(task, tmp_path).train[0].names == ("who", "a", "b")
    (one,) = read(task, tmp_path, value_columns="b, a").train
    assert (one.names, one.values[1].tolist()) == (("b", "a"), [101, 1])


@proves("series_column", *BOTH)
def test_series_column_is_the_one_named(task: Task, tmp_path: Path):
    assert [one.id for one in read(task, tmp_path, series_column="who").train] == ["0", "1"]


@proves("known_columns")
def test_known_columns_are_told_ahead(task: Task, tmp_path: Path):
    (one,) = read(task, tmp_path, known_columns="b").train
    assert (one.names, one.known_names, one.known[3].tolist()) == (("who", "a"), ("b",), [103])


@proves("date_order", *BOTH)
def test_date_order_is_the_one_named(task: Task, tmp_path: Path):
    text = "day,x\n" + "".join(f"01/{i:02}/2020,{i}\n" for i in range(1, 11))
    for order, step in [("dmy", "1 month"), ("mdy", "1 day")]:
        assert str(read(task, tmp_path, text, date_order=order).train[0].timeline) == step


@proves("decimal", *BOTH)
def test_decimal_is_the_one_named(task: Task, tmp_path: Path):
    text = "day;x\n" + "".join(f"2020-01-{i:02};{i},500\n" for i in range(1, 11))
    for decimal, first in [("comma", 1.5), ("point", 1500)]:
        assert read(task, tmp_path, text, decimal=decimal).train[0].values[0] == first


@proves("split", *BOTH)
def test_split_is_in_time_and_of_these_sizes(task: Task, tmp_path: Path):
    for split, ends in [("20,8,12", [20, 28, 40]), ("0.5,0.25,0.25", [20, 30, 40])]:
        parts = read(task, tmp_path, split=split).parts
        assert [len(part[0].values) for part in parts] == ends
        assert [part[0].begin for part in parts] == [0, *ends[:2]]


@proves("every")
def test_every_is_the_steps_from_origin_to_origin(task: Task, lab: Lab):
    splits, codec = lab.splits(task), lab.codec(task)
    beside = []
    for every in (1, 3):
        recipe = lab.recipe(task, every=every)
        beside.append(task.baseline(codec, splits.train, splits.test, recipe))
        network = build(task, codec, recipe)
        seen = Seen(network=network)
        task.evaluate(network, codec, splits.test, recipe)
        rows = sum(len(x[0]) for x in seen.x["network"])
        assert rows == len(codec.windows(splits.test, codec.horizon, every))
    assert rows < len(codec.windows(splits.test, codec.horizon))
    assert beside[0] != beside[1]


@proves("horizon lookback segment")
def test_sizes_are_the_networks(task: Task, lab: Lab):
    sizes = {"horizon": 5, "lookback": 9, "segment": 2}
    codec = task.fit(lab.splits(task).train, lab.recipe(task, **sizes))
    assert (codec.horizon, codec.lookback, codec.segment) == (5, 9, 2)
    batch = codec.collate([codec.encode(lab.splits(task).train[0])])
    assert (batch.past.shape[1], batch.future.shape[1]) == (9, 5)
    network = task.build(codec, lab.recipe(task, **sizes))
    seen = Seen(body=network.body)
    network.loss(batch)
    assert [x[0].shape[:2] for x in seen.x["body"]] == [(2, 5), (6, 1)]
    (answer,) = task.predict(network, codec, [lab.data(task)], lab.recipe(task))
    assert len(answer.channels[0].median) == 5


@proves("season")
def test_season_is_what_repeats_itself(task: Task, lab: Lab):
    splits = lab.splits(task)
    usual, other = (
        task.fit(splits.train, lab.recipe(task, **more)) for more in ({}, {"season": 3})
    )
    assert (usual.season, other.season) == (7, 3)
    one, two = (
        task.baseline(codec, splits.train, splits.test, lab.recipe(task))
        for codec in (usual, other)
    )
    assert one["mae"] != two["mae"]


@proves("calendar", "forecasting")
def test_calendar_tells_the_day(task: Task, lab: Lab):
    splits = lab.splits(task)
    for asked, count in [(False, 0), (True, 6)]:
        recipe = lab.recipe(task, calendar=asked)
        codec = task.fit(splits.train, recipe)
        batch = codec.collate([codec.encode(splits.train[0])])
        assert batch.known.shape[2] == codec.covariates == count
        network = task.build(codec, recipe).eval()
        before = network.middle(batch.past, batch.known)
        moved = network.middle(batch.past, batch.known + 1)
        assert torch.equal(before, moved) is not asked


@proves("channels", "forecasting")
def test_channels_are_alone_or_together(task: Task, lab: Lab):
    batch = lab.batch(task)
    other = batch.past.clone()
    other[..., 1] += torch.arange(other.shape[1])
    for channels, alone in [("independent", True), ("together", False)]:
        network = lab.build(task, channels=channels).eval()
        one, two = (network.middle(past, batch.known)[..., 0] for past in (batch.past, other))
        assert torch.equal(one, two) is alone


@proves("norm")
def test_norm_is_of_each_window(task: Task, lab: Lab):
    batch = lab.batch(task)
    middles = {"last": batch.past[:, -1:], "mean": batch.past.mean(1, keepdim=True)}
    for norm in ("last", "mean", "none"):
        _, scale = lab.build(task, norm=norm)(batch.past, batch.known)
        wanted = middles.get(norm, torch.zeros_like(scale.middle))
        assert torch.allclose(scale.middle, wanted, atol=1e-6)
        assert bool((scale.size == 1).all()) is (norm != "mean")


@proves("output", "forecasting")
def test_output_is_what_is_foretold(task: Task, lab: Lab):
    kinds = {"gaussian": Gaussian, "student_t": StudentT, "quantiles": Quantiles}
    for output, kind in kinds.items():
        network = lab.build(task, output=output)
        assert type(network.output) is kind
        (answer,) = task.predict(
            network, lab.codec(task), [lab.data(task)], lab.recipe(task, output=output)
        )
        assert answer.channels[0].quantiles.shape[1] == 7
    for output in ("squared", "absolute"):
        network = lab.build(task, output=output)
        assert isinstance(network.output, Point)
        assert network.output.error == output
        (answer,) = task.predict(
            network, lab.codec(task), [lab.data(task)], lab.recipe(task, output=output)
        )
        assert answer.channels[0].quantiles is None


@proves("strategy samples seed", "forecasting")
def test_a_recursive_forecast_draws_segment_by_segment(
    task: Task, lab: Lab, monkeypatch: pytest.MonkeyPatch
):
    given = {"strategy": "recursive", "output": "gaussian", "horizon": 4, "segment": 2}
    codec = task.fit(lab.splits(task).train, lab.recipe(task, **given))
    assert codec.stride == 2
    network = task.build(codec, lab.recipe(task, **given)).eval()

    def rows(**more: Any) -> tuple[list[int], list[float]]:
        seen = Seen(network=network)
        (answer,) = task.predict(
            network, codec, [lab.data(task)], lab.recipe(task, **given, **more)
        )
        found = [len(x[0]) for x in seen.x["network"]]
        return found, answer.channels[0].median.tolist()

    sizes, _ = rows(samples=7)
    assert sizes == [7, 7] * 2  # two series, two segments
    assert rows(samples=7, seed=1)[1] == rows(samples=7, seed=1)[1] != rows(samples=7, seed=2)[1]
    with pytest.raises(RecurraError, match="quantiles have nothing to draw from"):
        lab.build(task, strategy="recursive")
