"""Rows of the fields that only signals have."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from recurra.errors import DataError, RecurraError
from recurra.layers import Convolution
from recurra.tasks.run import complete
from recurra.tasks.task import Task

from .conftest import Lab, Seen
from .table import proves


def read(task: Task, path: Path, **fields: Any) -> list[Any]:
    splits = task.read(complete(task, {"data": str(path), **fields}))
    return [*splits.train, *splits.valid, *splits.test]


def steps_table(path: Path) -> Path:
    """Write 20 series of 4 steps, with two of everything."""
    lines = ["id,other,time,hours,a,b,label,kind"]
    for i in range(20):
        for t in range(4):
            lines.append(
                f"s{i},p{i // 2},{t},{i * 4 + t},{i + t / 10},{-i},{'xy'[i % 2]},{'uvw'[t % 3]}"
            )
    path.write_text("\n".join(lines) + "\n")
    return path


@proves("embedding convolutions placement", "signal_classification")
@pytest.mark.parametrize("placement", ["before", "beside"])
@pytest.mark.parametrize("count", [0, 1, 4])
def test_so_many_convolutions_of_that_width_stand_there(
    task: Task, count: int, placement: str, lab: Lab
):
    fields = {"convolutions": count, "placement": placement}
    network = lab.build(task, **fields, embedding=13, hidden=6).eval()
    front, read = network.body.layers
    first = [8, 5, 3, 3][:count] if placement == "before" else []
    inner = [part.width for part in read.modules() if isinstance(part, Convolution)]
    assert [one.width for one in front.layers] == (first or [1])
    assert inner == ([8, 5, 3, 3][:count] if placement == "beside" else [])
    filters = [part for part in network.modules() if isinstance(part, Convolution)]
    assert {one.output_size for one in filters} == {13}
    assert network.body.output_size == 6 + (13 if inner else 0)
    seen = Seen(front=front, read=read)
    x = torch.zeros(1, 30, 2)
    other = x.clone()
    other[0, 5] = 9
    network(x)
    network(other)
    assert torch.equal(seen.x["read"][0][0], seen.y["front"][0])
    place, start = ("read", 6) if inner else ("front", 0)
    heard = (seen.y[place][0] != seen.y[place][1])[0, :, start:].any(-1)
    last = int(heard.nonzero().max())
    assert not heard[:5].any()
    assert last == 5 if count == 0 else 5 < last <= 5 + sum([7, 4, 2, 2][:count])


@proves("noise", "signal_classification")
def test_noise_is_added_in_training_only(task: Task, lab: Lab):
    network = lab.build(task, noise=0.5)
    x, lengths = torch.zeros(40, 30, 2), torch.full((40,), 20)
    seen = Seen(first=network.body.layers[0].layers[0])
    network.train()
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        network(x, lengths)
    one, again, other = (read_by[0] for read_by in seen.x["first"])
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert abs(float(one[:, :20].std()) - 0.5) < 0.05
    assert not one[:, 20:].any()
    network.eval()
    network(x, lengths)
    assert not seen.x["first"][-1][0].any()


@proves("warp", "signal_classification")
def test_warp_bends_time_in_training_only(task: Task, lab: Lab):
    network = lab.build(task, warp=0.6)
    time = torch.arange(30.0)[None, :, None].repeat(64, 1, 2)
    lengths = torch.tensor([20, 30] * 32)
    seen = Seen(first=network.body.layers[0].layers[0])
    network.train()
    network(time, lengths)
    for row, length in zip(seen.x["first"][0][0], lengths.tolist(), strict=True):
        bent = row[:length, 0]
        assert torch.equal(row[:, 0], row[:, 1])
        assert float(bent[0]) == 0
        assert float(bent[-1]) == pytest.approx(length - 1, abs=1e-4)
        pace = bent.diff()
        assert float(pace.min()) > 1 - 0.6
        assert float(pace.max()) < 1 + 0.6
        assert not row[length:].any()
    paces = seen.x["first"][0][0][1::2, :, 0].diff(dim=1)
    assert float(paces.min()) < 0.75
    assert float(paces.max()) > 1.25
    network.eval()
    network(time, lengths)
    still = seen.x["first"][-1][0]
    assert torch.equal(still[1::2], time[1::2])


@proves("shift", "signal_classification")
def test_shift_moves_signals_in_training_only(task: Task, lab: Lab):
    network = lab.build(task, shift=0.2)
    time = torch.arange(31.0)[None, :, None].repeat(64, 1, 2)
    lengths = torch.tensor([21, 31] * 32)
    seen = Seen(first=network.body.layers[0].layers[0])
    network.train()
    network(time, lengths)
    moved = []
    for row, length in zip(seen.x["first"][0][0], lengths.tolist(), strict=True):
        by = float(row[10, 0]) - 10
        wanted = (time[0, :length] + by).clamp(0, length - 1)
        torch.testing.assert_close(row[:length], wanted)
        assert abs(by) <= 0.2 * (length - 1)
        assert not row[length:].any()
        moved.append(by / (length - 1))
    assert min(moved) < -0.15
    assert max(moved) > 0.15
    network.eval()
    network(time, lengths)
    assert torch.equal(seen.x["first"][-1][0][1::2], time[1::2])


@proves("warp shift", "signal_classification")
@pytest.mark.parametrize("field", ["warp", "shift"])
def test_time_stays_where_each_step_has_a_label(task: Task, lab: Lab, tmp_path: Path, field: str):
    rows = read(task, steps_table(tmp_path / "t.csv"), label_column="kind")
    codec = task.fit(rows, lab.recipe(task))
    with pytest.raises(RecurraError, match=f"{field}: labels of steps would not follow"):
        task.build(codec, lab.recipe(task, **{field: 0.1}))


@proves("scale", "signal_classification")
def test_scale_is_that_of_all_or_of_each_series(task: Task, lab: Lab):
    train = lab.splits(task).train
    both = np.concatenate([one.values for one in train])
    for scale in ("training", "series"):
        codec = task.fit(train, lab.recipe(task, scale=scale))
        for one in train[:4]:
            whole = both if scale == "training" else one.values
            wanted = (one.values - whole.mean(0)) / whole.std(0)
            assert np.allclose(codec.encode(one)[0], wanted, atol=1e-5)


@proves("series_column time_column value_columns label_column", "signal_classification")
def test_columns_of_signals_are_the_ones_named(task: Task, tmp_path: Path):
    path = steps_table(tmp_path / "t.csv")
    usual = read(task, path)
    assert len(usual) == 20
    assert {one.label for one in usual} == {"x", "y"}
    assert {one.channels for one in usual} == {("hours", "a", "b")}
    with pytest.raises(DataError, match=r"t.csv:6: has the time 0.0, which is before that of row"):
        read(task, path, series_column="other")
    pairs = read(task, path, series_column="other", time_column="hours", labels="step")
    assert {one.values.shape[0] for one in pairs} == {8}
    assert all(np.diff(one.values[:, 0]).tolist() != [1] for one in pairs)
    assert {one.channels for one in pairs} == {("time", "a", "b")}
    values = read(task, path, value_columns="b,5")
    assert {one.channels for one in values} == {("b", "a")}
    assert all(one.values[0, 0] == -one.values[0, 1] for one in values)
    kinds = read(task, path, label_column="kind")
    assert all(one.steps == ["u", "v", "w", "u"] for one in kinds)


@proves("layout", "signal_classification")
def test_layout_says_what_a_row_is(task: Task, tmp_path: Path):
    path = tmp_path / "t.csv"
    rows = [f"s{i // 4},{i % 4},{i},{'xy'[i // 4 % 2]}" for i in range(80)]
    path.write_text("\n".join(["id,a,b,label", *rows]) + "\n")
    assert {one.values.shape for one in read(task, path)} == {(4, 2)}
    assert {one.values.shape for one in read(task, path, layout="long")} == {(4, 2)}
    wide = read(task, path, layout="wide")
    assert len(wide) == 80
    assert {one.values.shape for one in wide} == {(2, 1)}


@proves("labels", "signal_classification")
def test_labels_are_of_series_or_of_steps(task: Task, tmp_path: Path):
    path = steps_table(tmp_path / "t.csv")
    assert {len(one.steps) for one in read(task, path)} == {0}
    steps = read(task, path, labels="step")
    assert all(one.steps == [one.steps[0]] * 4 for one in steps)
    with pytest.raises(DataError, match=r"t.csv:2: has labels 'u' and 'v' in one series"):
        read(task, path, label_column="kind", labels="series")
