"""Signals as people keep them: .ts, a row per series or per step, archives; wrong ones."""

import gzip
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recurra.data.readers import reals
from recurra.data.readers.signal import Plan, Signal
from recurra.data.readers.signals import read, read_file, read_labelled
from recurra.data.readers.text import Rows
from recurra.errors import DataError
from recurra.tasks.signal_classification import SignalRecipe

TS = """# a comment
@problemName Two
@timeStamps false
@missing true
@univariate false
@dimensions 2
@equalLength false
@classLabel true up down
@data
1,2,?:-1,-2,-3:up
4.5,NaN:0.5,6e1:down
"""


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def of(path: Path, *, skip: bool = False, **fields: Any) -> list[Signal]:
    return read_labelled(path, Rows(skip=skip), Plan(SignalRecipe.of(fields)))


def test_ts_has_channels_of_steps_that_may_be_missing(tmp_path: Path) -> None:
    path = write(tmp_path / "two.ts", TS)
    one, two = of(path)
    np.testing.assert_equal(one.values, [[1, -1], [2, -2], [np.nan, -3]])
    np.testing.assert_equal(two.values, [[4.5, 0.5], [np.nan, 60]])
    assert [one.label, two.label] == ["up", "down"]
    assert (one.where, two.where) == (f"{path}:10", f"{path}:11")
    packed = tmp_path / "two.ts.gz"
    packed.write_bytes(gzip.compress(TS.encode()))
    assert [row.label for row in of(packed)] == ["up", "down"]
    utf16 = tmp_path / "wide.ts"
    utf16.write_bytes(TS.encode("utf-16"))
    assert [row.label for row in of(utf16)] == ["up", "down"]


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("@timeStamps false", "@timeStamps true", r"two.ts:3: has time stamps; write the values"),
        ("@classLabel true up down", "@targetLabel true", r"two.ts:8: has numbers as targets"),
        ("@classLabel true up down", "@classLabel false", r"two.ts:9: has no classes: @classLabel"),
        ("@classLabel true up down", "@classLabel true", r"two.ts:8: names no class"),
        ("@dimensions 2", "@dimensions two", r"two.ts:6: has no number of channels in"),
        ("@dimensions 2", "@dimensions 3", r"two.ts:10: has 2 channels where @dimensions says 3"),
        ("@data", "", r"two.ts:10: has data before @data"),
        ("-1,-2,-3", "-1,-2", r"two.ts:10: has 2 steps in channel 2 and 3 in the first"),
        ("4.5", "four", r"two.ts:11: holds 'four' in channel 1, where a number is needed"),
        ("4.5", "inf", r"two.ts:11: holds 'inf' in channel 1"),
        ("4.5", "1_0", r"two.ts:11: holds '1_0' in channel 1"),
        ("4.5,NaN:0.5,6e1", ":", r"two.ts:11: has no values"),
        (":down\n", ":left\n", r"two.ts:11: has the class 'left'; @classLabel names up, down"),
        (":down\n", ":?\n", r"two.ts:11: has the class '\?'"),
        ("1,2,?:-1,-2,-3:up\n4.5,NaN:0.5,6e1:down\n", "", "two.ts: holds no series"),
    ],
)
def test_ts_that_is_wrong_is_refused_with_its_row(
    before: str, after: str, message: str, tmp_path: Path
) -> None:
    assert before in TS
    path = write(tmp_path / "two.ts", TS.replace(before, after))
    with pytest.raises(DataError, match=message):
        of(path)


def test_a_line_of_ts_may_be_long_but_has_a_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = ",".join(["1"] * 100_000)
    head = "@univariate true\n@classLabel true a\n@data\n"
    path = write(tmp_path / "long.ts", f"{head}{many}:a\n")
    assert of(path)[0].values.shape == (100_000, 1)
    monkeypatch.setattr("recurra.data.readers.ts.LONGEST", 1000)
    with pytest.raises(DataError, match=r"long.ts:4: has over 1,000 characters"):
        of(path)


def test_memory_is_bounded_whatever_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reals, "MOST", 7)
    path = write(tmp_path / "two.ts", TS)
    with pytest.raises(DataError, match=r"two.ts:11: holds over 7 numbers up to here"):
        of(path)
    rows = "".join(f"{'ab'[i % 2]},{i},{i * i},3\n" for i in range(4))
    with pytest.raises(DataError, match=r"wide.csv:3: holds over 7 numbers"):
        of(write(tmp_path / "wide.csv", rows))
    rows = "id,time,v,label\n" + "".join(f"s{i % 2},{i},{i},{'ab'[i % 2]}\n" for i in range(9))
    with pytest.raises(DataError, match=r"long.csv:9: holds over 7 numbers"):
        of(write(tmp_path / "long.csv", rows))


WIDE = [f"{i % 2 + 1}\t" + "\t".join(f"{i + t / 8}" for t in range(5)) for i in range(6)]


def test_a_row_per_series_as_the_archive_has_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "gun_TRAIN.tsv", "\n".join(WIDE) + "\n2\t1\t2\tNaN\t4\tNaN\n")
    found = of(path)
    assert [one.label for one in found] == ["1", "2"] * 3 + ["2"]
    assert found[3].values[:, 0].tolist() == [3, 3.125, 3.25, 3.375, 3.5]
    np.testing.assert_equal(found[6].values[:, 0], [1, 2, np.nan, 4])  # padding is no step
    told = capsys.readouterr().err
    assert "a row per series (--layout), label from column 1, 5 steps from column 2" in told
    assert "--label-column, --value-columns" in told


@pytest.mark.parametrize(
    ("lines", "labels", "steps"),
    [
        (["a,b,c,label", *(f"{i},2,3,{'xy'[i % 2]}" for i in range(4))], "xyxy", 3),
        (["0,1,2,3", *(f"{'xy'[i % 2]},2.1,{i}.2,3.3" for i in range(4))], "xyxy", 3),  # pandas
        (["name,kind,a,b", *(f"n{i} of,{'xy'[i % 2]},{i},2" for i in range(6))], None, 0),
        ([f"{i}.5;2,25;{'xy'[i % 2]}".replace(".", ",") for i in range(4)], "xyxy", 2),
    ],
)
def test_tables_of_series_in_other_forms(
    lines: list[str], labels: str | None, steps: int, tmp_path: Path
) -> None:
    path = write(tmp_path / "t.csv", "\n".join(lines) + "\n")
    if labels is None:
        with pytest.raises(DataError, match=r"several columns that can be the label .*'kind'"):
            of(path)
        labels, steps = "xyxyxy", 2
        found = of(path, label_column="kind")
    else:
        found = of(path)
    assert "".join(one.label for one in found) == labels
    assert {one.values.shape for one in found} == {(steps, 1)}


def test_a_decimal_comma_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "".join(f"{'xy'[i % 2]};{i},5;1,25\n" for i in range(4))
    found = of(write(tmp_path / "t.csv", rows))
    assert found[1].values[:, 0].tolist() == [1.5, 1.25]
    assert "0,5 is read as 0.5: , is the decimal mark" in capsys.readouterr().err
    with pytest.raises(DataError, match=r"u.csv:5: holds '1.000,5' in column 2"):
        of(write(tmp_path / "u.csv", rows + "x;1.000,5;2\n"))


LONG = ["id,time,a,b,label"] + [
    f"s{s},{t},{s + t / 10},{-t},{'xy'[s % 2]}" for t in range(3) for s in range(4)
]


def test_a_row_per_step_in_any_order_of_series(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "t.csv", "\n".join(LONG) + "\n")
    found = of(path)
    assert [one.label for one in found] == list("xyxy")
    assert found[2].values.tolist() == [[2, 0], [2.1, -1], [2.2, -2]]
    assert found[2].channels == ("a", "b")
    assert found[2].where == f"{path}:4"
    told = capsys.readouterr().err
    assert "a row per step (--layout), series from column 'id', time from column 'time'" in told
    assert "--series-column, --time-column, --label-column, --value-columns" in told


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("s1,2,1,1,y", r"t.csv:14: has the time 2.0, which repeats that of row 11"),
        ("s1,1.5,1,1,y", r"t.csv:14: has the time 1.5, which is before that of row 11: sort"),
        ("s1,2024-05-01,1,1,y", r"t.csv:14: has the time 2024-05-01 00:00:00, of another kind"),
        ("s1,noon,1,1,y", r"t.csv:14: holds 'noon' in column 'time', where a number or a time"),
        ("s1,3,high,1,y", r"t.csv:14: holds 'high' in column 'a', where a number is needed"),
        ("s1,3,1,1,", r"t.csv:14: has no label"),
        (",3,1,1,y", r"t.csv:14: has no series in column 'id'"),
        ("s1,3,1,y", r"t.csv:14: has 4 columns where 5 are expected"),
        ("s1,3,inf,1,y", r"t.csv:14: holds 'inf'"),
    ],
)
def test_steps_that_are_wrong_are_refused_with_their_row(
    row: str, message: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "t.csv", "\n".join([*LONG, row]) + "\n")
    with pytest.raises(DataError, match=message):
        of(path)
    kept = of(path, skip=True)
    assert [one.values.shape for one in kept] == [(3, 2)] * 4


def test_a_label_that_changes_within_a_series_makes_a_label_per_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [*LONG, "s0,3,9,9,z"]
    found = of(write(tmp_path / "t.csv", "\n".join(lines) + "\n"))
    assert found[0].steps == ["x", "x", "x", "z"]
    assert found[1].steps == ["y", "y", "y"]
    assert {one.label for one in found} == {""}
    assert "a label per step (--labels)" in capsys.readouterr().err
    with pytest.raises(DataError, match=r"t.csv:2: has labels 'x' and 'z' in one series"):
        of(tmp_path / "t.csv", labels="series")


def test_times_may_be_dates_and_mixed_frequencies_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hours = [0, 1, 2, 5, 6]
    rows = [f"s{s},2024-05-01T{h:02}:00,{h},{'xy'[s % 2]}" for s in range(2) for h in hours]
    assert len(of(write(tmp_path / "t.csv", "\n".join(["id,date,v,label", *rows]) + "\n"))) == 2
    assert "2 of 8 steps are not 1:00:00 after the one before" in capsys.readouterr().err


def test_two_columns_of_time_are_refused(tmp_path: Path) -> None:
    lines = ["id,date,time,v,label", *(f"s{i % 2},{i},{i},{i},{'xy'[i % 2]}" for i in range(8))]
    path = write(tmp_path / "t.csv", "\n".join(lines) + "\n")
    with pytest.raises(DataError, match="several columns of time, date and time; --time-column"):
        of(path)
    assert {one.channels for one in of(path, time_column="time")} == {("date", "v")}


def test_archives(tmp_path: Path) -> None:
    x = np.arange(24.0).reshape(4, 3, 2)
    x[1, 1, 0] = np.nan
    np.savez(tmp_path / "a.npz", x=x, y=["p", "q", "p", "q"], lengths=[3, 2, 1, 3])
    found = of(tmp_path / "a.npz")
    assert [one.label for one in found] == list("pqpq")
    np.testing.assert_equal(found[1].values, x[1, :2])
    assert [len(one.values) for one in found] == [3, 2, 1, 3]
    np.savez(tmp_path / "flat.npz", X=x[:, :, 0], labels=[1.0, 2.0, 1.0, 2.0])
    assert [one.label for one in of(tmp_path / "flat.npz")] == ["1", "2", "1", "2"]
    assert of(tmp_path / "flat.npz")[0].values.shape == (3, 1)
    np.savez(tmp_path / "steps.npz", x=x, y=np.array([[0, 0, 1]] * 4), lengths=[3, 2, 3, 3])
    assert [one.steps for one in of(tmp_path / "steps.npz")][:2] == [["0", "0", "1"], ["0", "0"]]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": [1]}, r"needs arrays x and y; it has a"),
        ({"x": np.zeros((2, 3))}, r"needs arrays x and y; it has x"),
        ({"x": np.zeros(3), "y": [1, 2, 3]}, r"has series of shape \(3,\)"),
        ({"x": np.zeros((2, 3)), "y": [1, 2, 3]}, r"has labels of shape \(3,\); \(2,\) or"),
        ({"x": [["a", "b"]], "y": [1]}, r"numbers \[count time channels\] go"),
        ({"x": np.zeros((2, 3)), "y": [1, 2], "lengths": [3, 4]}, r"a.npz:2: has a length of 4"),
        ({"x": np.zeros((2, 3)), "y": [1, 2], "lengths": [0, 3]}, r"a.npz:1: has a length of 0"),
        ({"x": np.zeros((2, 3)), "y": [1, 2], "lengths": [1.5, 3]}, r"has lengths .*float64"),
        ({"x": np.array([[1.0], [np.inf]]), "y": [1, 2]}, r"a.npz:2: has a value that is infin"),
        ({"x": np.zeros((2, 3)), "y": [1, np.nan]}, r"a.npz:2: has no label"),
        ({"x": np.array([{}], object), "y": [1]}, r"x holds Python objects"),
    ],
)
def test_archives_that_are_wrong_are_refused(
    arrays: dict[str, Any], message: str, tmp_path: Path
) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError, match=message):
        of(tmp_path / "a.npz")


def test_parts_of_an_archive_and_of_a_folder(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    arrays = {
        f"{kind}_{part}": random.normal(size=(n, 5)) if kind == "x" else np.arange(n) % 2
        for part, n in [("train", 12), ("val", 4), ("test", 6)]
        for kind in "xy"
    }
    np.savez(tmp_path / "all.npz", **arrays)
    splits = read(SignalRecipe.of({"data": str(tmp_path / "all.npz")}))
    assert [len(part) for part in splits.parts] == [12, 4, 6]
    assert splits.test[5].values[:, 0].tolist() == arrays["x_test"][5].tolist()
    np.savez(tmp_path / "test.npz", x_test=arrays["x_test"], y_test=arrays["y_test"])
    with pytest.raises(DataError, match="holds a test part; x_train, y_train are needed"):
        read(SignalRecipe.of({"data": str(tmp_path / "test.npz")}))
    home = tmp_path / "Gun"
    home.mkdir()
    for part, n in [("TRAIN", 40), ("TEST", 6)]:
        rows = [f"{i}.25,{i + len(part)}:{'up' if i % 2 else 'down'}" for i in range(n)]
        text = "@univariate true\n@classLabel true up down\n@data\n" + "\n".join(rows) + "\n"
        write(home / f"Gun_{part}.ts", text)
        write(home / f"Gun_{part}.tsv", "1\t2\n")  # the same in another format, as archives have
    splits = read(SignalRecipe.of({"data": str(home)}))
    assert [len(part) for part in splits.parts] == [36, 4, 6]
    assert all(one.where.startswith(str(home / "Gun_TEST.ts")) for one in splits.test)


def test_files_to_be_answered_need_no_labels_and_may_have_them(tmp_path: Path) -> None:
    def asked(path: Path, channels: tuple[str, ...] = ("channel 1",)) -> list[Signal]:
        plan = Plan(SignalRecipe(), known=("x", "y"), channels=channels)
        return read_file(path, Rows(), plan)

    with_labels = write(tmp_path / "a.csv", "x,1,2,3\ny,2,3,4\nx,9,8,7\n")
    without = write(tmp_path / "b.csv", "1,2,3\n2,3,4\n9,8,7\n")
    for path in (with_labels, without):
        assert [one.values[:, 0].tolist() for one in asked(path)] == [
            [1, 2, 3],
            [2, 3, 4],
            [9, 8, 7],
        ]
    bare = write(tmp_path / "c.csv", "time,other,b,a\n1,0,5,6\n2,0,7,8\n")
    (one,) = asked(bare, ("a", "b"))
    assert one.values.tolist() == [[6, 5], [8, 7]]  # channels by their names
    (one,) = asked(write(tmp_path / "d.ts", "@classLabel true x y\n@data\n1,2:?\n"))
    assert one.values.tolist() == [[1], [2]]
    (one,) = asked(write(tmp_path / "e.ts", "@data\n1,2,3\n"))
    assert one.values.tolist() == [[1], [2], [3]]
    np.savez(tmp_path / "f.npz", x=np.ones((2, 4)))
    assert len(asked(tmp_path / "f.npz")) == 2


def test_numbers_of_cells() -> None:
    assert [reals.real(cell) for cell in (" 1.5", "-2,5", "1e3", "+7")] == [1.5, -2.5, 1000, 7]
    assert all(math.isnan(reals.real(cell)) for cell in ("", "?", "NaN", "NA", "null"))
    for cell in ("inf", "-infinity", "1_0", "1,2,3", "1.000,5", "x", "0x10"):
        assert not reals.is_real(cell)
    assert reals.reals(["1", "2.5"]).tolist() == [1, 2.5]
    assert math.isnan(reals.reals(["1", "?"])[1])
    with pytest.raises(ValueError, match=re.escape("1_0")):
        reals.reals(["1_0"])
