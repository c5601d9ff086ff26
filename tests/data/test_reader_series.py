"""Time series out of files: columns, times, gaps, and every bad file in one line."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recurra.data.readers import series as reader
from recurra.data.readers.numerals import decimal_of, number
from recurra.data.readers.series import Series, read_file
from recurra.data.readers.text import Rows
from recurra.errors import DataError
from recurra.training.options import SeriesTable

DAYS = "date,x\n2020-01-01,1\n2020-01-02,2\n2020-01-03,4\n"


def read(path: Path, text: str, known: tuple[str, ...] = (), **options: Any) -> list[Series]:
    file = path / "a.csv"
    file.write_text(text, encoding="utf-8")
    return read_file(file, Rows(skip=options.pop("skip", False)), SeriesTable(**options), known)


def times(one: Series) -> list[str]:
    assert one.timeline is not None
    return [str(t) for t in one.timeline.at(range(len(one.values))).astype("datetime64[m]")]


@pytest.mark.parametrize(
    ("cells", "start", "step"),
    [
        (["2016-07-01 00:00:00", "2016-07-01 01:00:00", "2016-07-01 02:00:00"], "2016-07-01T00:00",
         "1 hour"),
        (["2016-07-01T00:00Z", "2016-07-01T00:15Z", "2016-07-01T00:30Z"], "2016-07-01T00:00",
         "15 minutes"),
        (["2016-07-01T00:00+02:00", "2016-07-01T01:00+02:00"], "2016-06-30T22:00",
         "1 hour"),
        (["1/31/2016", "2/29/2016", "3/31/2016"], "2016-01-31T00:00", "1 month"),
        (["30.12.2016", "31.12.2016", "1.1.2017"], "2016-12-30T00:00", "1 day"),
        (["1/2/2016 11:00 PM", "1/3/2016 12:00 AM", "1/3/2016 1:00 AM"], "2016-01-02T23:00",
         "1 hour"),
        (["01/02/2016", "01/03/2016", "01/04/2016"], "2016-02-01T00:00", "1 month"),
        (["1959-01", "1959-02", "1959-03"], "1959-01-01T00:00", "1 month"),
        (["1959Q1", "1959Q2", "1959Q3"], "1959-01-01T00:00", "3 months"),
        (["1700", "1701", "1702"], "1700-01-01T00:00", "1 year"),
        (["20200228", "20200229", "20200301"], "2020-02-28T00:00", "1 day"),
        (["1469376000", "1469376300", "1469376600"], "2016-07-24T16:00", "5 minutes"),
        (["1469376000000", "1469376000500", "1469376001000"], "2016-07-24T16:00", "0.5 seconds"),
    ],
)  # fmt: skip  # read as a table
def test_forms_of_times(cells: list[str], start: str, step: str, tmp_path: Path):
    rows = "".join(f"{cell},{i}\n" for i, cell in enumerate(cells))
    (one,) = read(tmp_path, "date,x\n" + rows)
    assert one.timeline is not None
    assert (times(one)[0], str(one.timeline)) == (start, step)
    assert one.values[:, 0].tolist() == list(range(len(cells)))
    assert one.rows.tolist() == list(range(2, 2 + len(cells)))


def test_an_order_of_dates_that_rows_leave_open_is_told_and_can_be_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    text = "date,x\n01/02/2016,1\n02/02/2016,2\n04/02/2016,3\n"
    (one,) = read(tmp_path, text)
    assert times(one)[0] == "2016-02-01T00:00"
    assert "dates are read day first (--date-order" in capsys.readouterr().err
    assert one.form.order == "dmy"
    (given,) = read(tmp_path, "date,x\n01/02/2016,1\n01/03/2016,2\n", date_order="mdy")
    assert times(given) == ["2016-01-02T00:00", "2016-01-03T00:00"]
    assert "dates are read" not in capsys.readouterr().err


def test_a_gap_is_told_and_unknown(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (one,) = read(tmp_path, DAYS.replace("01-03", "01-05") + "2020-01-06,8\n2020-01-07,9\n")
    assert np.isnan(one.values[2:4]).all()
    assert one.rows.tolist() == [2, 3, 0, 0, 4, 5, 6]
    assert "2 times are missing, the first 2020-01-03: read as unknown" in capsys.readouterr().err


def test_columns_by_content_and_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    text = "site,when,a,note,b\n" + "".join(
        f"{s},2020-01-0{d},{d},fine day {s}{d},{10 * d}\n" for s in "pq" for d in (1, 2, 3)
    )
    p, q = read(tmp_path, text)
    assert (p.id, q.id, p.names) == ("p", "q", ("a", "b"))
    assert q.values.tolist() == [[1, 10], [2, 20], [3, 30]]
    told = capsys.readouterr().err
    assert "series told by column 'site'" in told
    assert "column 'note' left out (--value-columns)" in told
    p, q = read(tmp_path, text, value_columns="b", time_column="2", series_column="site")
    assert (p.names, q.values.tolist()) == (("b",), [[10], [20], [30]])


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("Date,Time,x\n10/03/2004,18.00.00,1\n10/03/2004,19.00.00,2\n", "2004-03-10T18:00"),
        ("year,month,x\n1749,11,1\n1749,12,2\n1750,1,3\n", "1749-11-01T00:00"),
        ("year,month,day,x\n1749,2,28,1\n1749,3,1,2\n1749,3,2,2\n", "1749-02-28T00:00"),
    ],
)
def test_a_time_in_several_columns(text: str, time: str, tmp_path: Path):
    (one,) = read(tmp_path, text)
    assert times(one)[0] == time
    assert one.names == ("x",)


def test_two_columns_of_times_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    text = "opened,date,x\n2020-02-01,2020-01-01,1\n2020-02-02,2020-01-02,2\n"
    (one,) = read(tmp_path, text)
    assert times(one)[0] == "2020-01-01T00:00"
    assert "column 'opened' could be the time too (--time-column)" in capsys.readouterr().err
    (one,) = read(tmp_path, text, time_column="opened", value_columns="x")
    assert times(one)[0] == "2020-02-01T00:00"


def test_what_is_known_of_the_future_stays_beside_what_is_not(tmp_path: Path):
    text = "date,x,promo\n2020-01-01,1,0\n2020-01-02,2,1\n2020-01-03,,1\n2020-01-04,,0\n"
    (one,) = read(tmp_path, text, ("promo",))
    assert one.values.tolist() == [[1], [2]]
    assert one.known.tolist() == [[0], [1], [1], [0]]
    assert (one.names, one.known_names) == (("x",), ("promo",))


def test_rows_without_a_value_at_the_end_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (one,) = read(tmp_path, DAYS + "2020-01-04,\n2020-01-05,\n")
    assert one.values[:, 0].tolist() == [1, 2, 4]
    told = "2 rows at the end have no value; the series ends before them"
    assert told in capsys.readouterr().err
    read(tmp_path, DAYS)
    assert "at the end" not in capsys.readouterr().err


def test_decimal_commas(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    text = "date;x\n2020-01-01;1,5\n2020-01-02;-2,25\n2020-01-03;\n2020-01-04;1.234,5\n"
    (one,) = read(tmp_path, text)
    np.testing.assert_array_equal(one.values[:, 0], [1.5, -2.25, np.nan, 1234.5])
    assert "commas are decimal (--decimal point changes it)" in capsys.readouterr().err
    (one,) = read(tmp_path, "date;x\n2020-01-01;1,500\n2020-01-02;2,250\n", decimal="point")
    assert one.values[:, 0].tolist() == [1500, 2250]
    assert decimal_of(["1,234.5", "2,000.0"]) == ("point", False)
    assert [number(cell) for cell in ("1e3", " 7 ", "1,000,000", "abc", "1_0", "1,5")] == [
        *(1000, 7, 1_000_000),
        *[None] * 3,
    ]


def test_files_without_times_header_or_delimiter(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (one,) = read(tmp_path, "3\n4\n\n5.5\n")
    assert (one.timeline, one.values.tolist()) == (None, [[3], [4], [5.5]])
    assert "rows are numbered steps (--time-column names one)" in capsys.readouterr().err
    (one,) = read(tmp_path, "level\n3\n4\n")
    assert (one.names, one.values.tolist()) == (("level",), [[3], [4]])
    (one,) = read(tmp_path, "2020-01-01,7\n2020-01-02,8\n")
    assert (one.names, times(one)[1]) == (("column 2",), "2020-01-02T00:00")


def test_parquet(tmp_path: Path):
    import pandas

    table = pandas.DataFrame(
        {"ds": pandas.date_range("2020-01-31", periods=4, freq="ME"), "y": [1.5, None, 3, 4]}
    )
    table.to_parquet(tmp_path / "a.pq")
    (one,) = read_file(tmp_path / "a.pq", Rows(), SeriesTable())
    np.testing.assert_array_equal(one.values[:, 0], [1.5, np.nan, 3, 4])
    assert times(one)[1] == "2020-02-29T00:00"
    whole = (tmp_path / "a.pq").read_bytes()
    (tmp_path / "a.pq").write_bytes(whole[:-40])
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        read_file(tmp_path / "a.pq", Rows(), SeriesTable())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (DAYS.replace(",2\n", ",abc\n"), "a.csv:3: holds 'abc' in column 'x', where a number"),
        (DAYS.replace("01-02", "01-01"), "a.csv:3: time .* repeats .*--series-column"),
        (DAYS.replace("01-03", "01-01"), "a.csv:4: time .* is before .* sort the rows by time"),
        (DAYS.replace(",2\n", ",inf\n"),
         "a.csv:3: is infinite in column 'x'; leave the cell empty"),
        (DAYS.replace("01-02", "02-30"), "a.csv:3: holds a day that is not in its month"),
        (DAYS.replace("2020-01-02", "soon"),
         "a.csv:3: holds 'soon' in column 'date', which is no time"),
        (DAYS.replace("2020-01-02", ""), "a.csv:3: has no time in column 'date'"),
        (DAYS + "2020-01-03 05:00,1\n2020-01-04,2\n2020-01-05,2\n",
         "a.csv:5: time .* is 5 hours after .* give one frequency"),
        (DAYS + "2320-01-03,1\n", "a.csv:5: 4 rows 1 day apart stretch over"),
        ("date,x\n2020-01-01,1\n", "a.csv:2: is the only row; two or more"),
        ("date,x\n2020-01-01,\n2020-01-02,\n", "has no column of numbers"),
        ("date,x\n", "holds no|no column"),
        ("s,date,x\na,2020-01-01,1\na,2020-01-02,2\nb,2020-01-01,1\nb,2020-02-01,1\n",
         "a.csv:4: series 'b' has a step of 1 month, 'a' of 1 day"),
        ("s,date,x\na,2020-01-01,1\na,2020-01-02,2\na,2020-01-03,2\nb,2020-01-01,1\n",
         "a.csv:5: is the only row of series 'b'"),
    ],
)  # fmt: skip  # read as a table
def test_bad_files_are_one_line_with_the_row(text: str, message: str, tmp_path: Path):
    with pytest.raises(DataError, match=message) as caught:
        read(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_bad_rows_that_are_skipped_are_gaps(tmp_path: Path):
    (one,) = read(tmp_path, DAYS.replace(",2\n", ",abc\n") + "2020-01-04,8\n", skip=True)
    np.testing.assert_array_equal(one.values[:, 0], [1, np.nan, 4, 8])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"time_column": "when"}, "has no column 'when'; its columns are date, x"),
        ({"value_columns": "x,date"}, "holds '2020-01-01' in column 'date'"),
        ({"value_columns": "x,x"}, "column 'x' cannot be two things at once"),
    ],
)
def test_columns_that_are_asked_for_in_vain(options: dict[str, str], message: str, tmp_path: Path):
    with pytest.raises(DataError, match=message):
        read(tmp_path, DAYS, **options)


def test_a_part_sees_what_lies_before_it_and_nothing_behind(tmp_path: Path):
    (one,) = read(tmp_path, DAYS)
    part = one.upto(2, 1)
    assert (part.values.tolist(), part.begin, part.rows.tolist()) == ([[1], [2]], 1, [2, 3])
    assert np.shares_memory(part.values, one.values)


def test_a_file_of_too_many_numbers_is_refused_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(reader, "MOST", 2)
    with pytest.raises(DataError, match=r"holds over 2 numbers; give fewer columns"):
        read(tmp_path, DAYS)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "latin-1"])
def test_any_encoding(encoding: str, tmp_path: Path):
    (tmp_path / "e.csv").write_bytes(DAYS.replace("x", "größe").encode(encoding))
    (one,) = read_file(tmp_path / "e.csv", Rows(), SeriesTable())
    assert (one.names, one.values[2, 0]) == (("größe",), 4)
