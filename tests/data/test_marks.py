"""Marks of anomalies: a column, or windows of NAB's form."""

import json
from pathlib import Path

import numpy as np
import pytest

from recurra.data.readers.marks import marked_by, marking, marks_of, read_windows
from recurra.data.readers.series import Series, read_file
from recurra.data.readers.text import Rows
from recurra.errors import DataError
from recurra.training.options import SeriesTable


def table(folder: Path, rows: list[str], head: str = "time,value,is_anomaly") -> Path:
    path = folder / "sensor.csv"
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


HOURS = [f"2026-01-01 {hour:02}:00,{hour}.5,{int(hour in (3, 4, 9))}" for hour in range(12)]


def series(path: Path, named: str | None = None) -> Series:
    return read_file(path, Rows(), SeriesTable(), stamped=True, marks=marking(named))[0]


def test_a_column_of_a_usual_name_is_found_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    one = series(table(tmp_path, HOURS), None)
    assert (one.names, one.known_names) == (("value",), ("is_anomaly",))
    told = capsys.readouterr().err
    assert "marks from column 'is_anomaly'" in told
    assert "--label-column" in told
    one = series(table(tmp_path, HOURS, "time,value,quality"), None)
    assert (one.names, one.known_names) == (("value", "quality"), ())
    one = series(table(tmp_path, HOURS, "time,value,quality"), "quality")
    assert (one.names, one.known_names) == (("value",), ("quality",))


def test_marks_of_a_column_are_its_ones(tmp_path: Path):
    one = series(table(tmp_path, HOURS), "is_anomaly")
    assert one.names == ("value",)
    marked = marks_of(one)
    assert marked is not None
    assert np.flatnonzero(marked).tolist() == [3, 4, 9]
    assert marks_of(series(table(tmp_path, HOURS, "time,value,q"))) is None


def test_a_mark_is_0_or_1(tmp_path: Path):
    rows = [*HOURS[:5], "2026-01-01 05:00,1.5,2", *HOURS[6:]]
    with pytest.raises(DataError, match=r"sensor\.csv:7: marks an anomaly by 2 in 'is_anomaly'"):
        marks_of(series(table(tmp_path, rows), "is_anomaly"))


def test_windows_mark_the_steps_within_them(tmp_path: Path):
    path, windows = table(tmp_path, HOURS), tmp_path / "windows.json"
    whole = [
        ["2026-01-01 03:00:00.000000", "2026-01-01 04:30"],
        ["2026-01-01T09:00", "2026-01-01 09:00"],
    ]
    for content in (whole, {"a/sensor.csv": whole}, {"x/other.csv": [], "sensor.csv": whole}):
        windows.write_text(json.dumps(content))
        marked = marks_of(marked_by(series(path), str(windows)))
        assert marked is not None
        assert np.flatnonzero(marked).tolist() == [3, 4, 9]


def test_the_key_is_the_one_that_the_path_ends_with(tmp_path: Path):
    windows = tmp_path / "w.json"
    one, two = [["2026-01-01", "2026-01-02"]], [["2026-01-03", "2026-01-04"]]
    windows.write_text(json.dumps({"one/a.csv": one, "two/a.csv": two}))
    found = read_windows(windows, "data/two/a.csv")
    assert found == [(np.datetime64("2026-01-03", "us"), np.datetime64("2026-01-04", "us"))]
    with pytest.raises(DataError, match=r"has 2 series named a\.csv"):
        read_windows(windows, "three/a.csv")
    with pytest.raises(DataError, match=r"names no series b\.csv"):
        read_windows(windows, "b.csv")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[", "is no JSON"),
        ('[["2026-01-02", "2026-01-01"]]', "is after"),
        ('[["2026-01-01"]]', "a window is"),
        ('[["noon", "night"]]', "a window is"),
        ("[5]", "a window is"),
    ],
)
def test_wrong_windows_are_refused(content: str, reason: str, tmp_path: Path):
    (tmp_path / "w.json").write_text(content)
    with pytest.raises(DataError, match=reason):
        read_windows(tmp_path / "w.json", "a.csv")


def test_windows_need_times(tmp_path: Path):
    one = series(table(tmp_path, [f"{i}.5" for i in range(9)], "value"))
    with pytest.raises(DataError, match="has no times"):
        marked_by(one, "w.json")


def test_rows_are_steps_whatever_their_times(tmp_path: Path):
    rows = [
        "2026-01-01 00:00,1,0",
        "2026-01-01 01:00,2,0",
        "2026-01-01 01:00,3,1",
        "2026-01-01 00:30,4,0",
    ]
    one = series(table(tmp_path, rows), "is_anomaly")
    assert one.values[:, 0].tolist() == [1, 2, 3, 4]
    assert one.timeline is not None
    times = one.timeline.at(np.arange(6))
    assert times[2] == times[1] == np.datetime64("2026-01-01T01:00", "us")
    assert times[5] == times[3] + 2 * np.timedelta64(45, "m")  # between an hour and a half
    with pytest.raises(DataError, match="repeats"):
        read_file(tmp_path / "sensor.csv", Rows(), SeriesTable(), ["is_anomaly"])
