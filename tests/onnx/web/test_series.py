"""Series are measured, watched and read in a page as they are in Python."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from recurra.codecs.forecast import written
from recurra.codecs.streams.text import last_part
from recurra.data.readers.roles import Form
from recurra.data.readers.series import read_file
from recurra.data.readers.text import Rows
from recurra.streaming.gauge import Gauge
from recurra.streaming.surprise import Habits, Surprise
from recurra.training.options import SeriesTable
from tests.onnx.web.conftest import Ask
from tests.onnx.web.texts import some


@pytest.mark.parametrize("level", [0.0, 40.0])
def test_a_watch_says_what_pythons_does(ask: Ask, level: float) -> None:
    drawn = np.random.default_rng(0)
    rows = drawn.normal(size=(300, 2)).cumsum(0)
    rows[150:155] += 30
    rows[drawn.random(rows.shape) < 0.05] = np.nan
    rows[:, 1] = np.where(np.arange(300) < 60, 3.0, rows[:, 1])  # constant for a while
    errors = np.abs(drawn.normal(size=rows.shape))
    errors[0], errors[200:203] = np.nan, 9.0
    habits = Habits(smooth=4.0, memory=30.0, level=level, rest=20)
    watch, gauge = Surprise(2, habits, 0.6), Gauge(2, 50.0)
    given = [np.where(np.isnan(one), None, one).tolist() for one in (rows, errors)]
    found = ask("watched", *given, 50.0, {**asdict(habits), "threshold": 0.6})
    alarms = 0
    for one, row, error in zip(found, rows, errors, strict=True):
        wanted, measured = watch.take(error, row), gauge.read(row)
        assert one["score"] == pytest.approx(wanted.score, abs=1e-9)
        assert (one["channel"], one["alarm"], one["since"]) == tuple(wanted[1:])
        assert one["features"] == pytest.approx(measured.features.tolist(), abs=1e-5)
        moved = [np.nan if value is None else value for value in one["moved"]]
        assert moved == pytest.approx(measured.moved.tolist(), nan_ok=True)
        alarms += wanted.since == 0
    assert alarms


FILES = {
    "dated": "time,a,b\n2024-01-31 00:00,1,2\n2024-02-29 00:00,,3.5\n2024-03-31 00:00,-1e2,4\n",
    "clocked": "time;b;a\n2024-01-01T09:30;1;2\n2024-01-01T10:30;3;4\n",
    "numbered": "a,b\n1,2\nNA,3\n",
    "unnamed": "1\t2\n3\t4\n",
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_read_as_pythons_reader_does(ask: Ask, name: str, tmp_path: Path) -> None:
    path = tmp_path / "series.csv"
    path.write_text(FILES[name])
    (wanted,) = read_file(path, Rows(), SeriesTable(), stamped=True)
    form = Form(("time",), None, None, "point")._asdict()
    (found,) = ask("series", FILES[name], form, ["a", "b"])
    values = [[np.nan if one is None else one for one in row] for row in found["values"]]
    places = [list(wanted.names).index(one) for one in "ab"] if name != "unnamed" else [0, 1]
    assert np.array_equal(np.array(values), wanted.values[:, places], equal_nan=True)
    assert found["times"] == written(wanted.timeline, range(len(values)))


def test_a_part_waits_until_a_blank_follows(ask: Ask) -> None:
    # halves of characters are another matter
    texts = ["".join(c for c in text if ord(c) < 0x10000) for text in some(200, seed=6)[:200]]
    sizes = [[3] * (len(text) // 3 + 1) for text in texts]
    for text, found in zip(texts, ask("pieces", texts, sizes), strict=True):
        held, wanted = "", []
        for i in range(0, len(text) + 1, 3):
            held += text[i : i + 3]
            stop = last_part(held)
            wanted.append(held[:stop])
            held = held[stop:]
        assert found[: len(wanted)] == wanted
        assert found[-1] == held


def test_half_a_character_waits_for_the_other(ask: Ask) -> None:
    assert ask("pieces", ["a \U0001f600 b"], [[3, 3, 2]]) == [["a ", "\U0001f600 ", "", "b"]]
