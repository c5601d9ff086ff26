"""Times a regular step apart: found, told, continued; what is irregular is refused with its row."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from recurra.data.timeline import Timeline
from recurra.errors import DataError


def times(*texts: str) -> np.ndarray:
    return np.array(texts, dtype="datetime64[us]")


def regular(start: str, count: int, **step: float) -> np.ndarray:
    begin = datetime.fromisoformat(start)
    return np.array([begin + i * timedelta(**step) for i in range(count)], dtype="datetime64[us]")


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ({"hours": 1}, "1 hour"),
        ({"minutes": 15}, "15 minutes"),
        ({"days": 1}, "1 day"),
        ({"weeks": 1}, "1 week"),
        ({"seconds": 90}, "90 seconds"),
        ({"milliseconds": 250}, "0.25 seconds"),
        ({"days": 10}, "10 days"),
    ],
)
def test_steps_of_one_length(step: dict, told: str):
    given = regular("2016-02-27T22:00:00", 50, **step)
    found = Timeline.fit(given)
    assert str(found) == told
    np.testing.assert_array_equal(found.at(np.arange(50)), given)
    np.testing.assert_array_equal(found.places(given), np.arange(50))
    some = np.delete(given, [3, 4, 17])
    assert Timeline.fit(some) == found
    np.testing.assert_array_equal(found.places(some), np.delete(np.arange(50), [3, 4, 17]))


@pytest.mark.parametrize("day", [1, 15, 28, 29, 30, 31])
@pytest.mark.parametrize("months", [1, 3, 12])
@pytest.mark.parametrize("begin", [1, 2, 6])
def test_months_and_their_ends(begin: int, months: int, day: int):
    given = []
    for i in range(30):
        year, month = 1999 + (begin - 1 + i * months) // 12, (begin - 1 + i * months) % 12 + 1
        after = datetime(year + month // 12, month % 12 + 1, 1)
        last = (after - timedelta(days=1)).day
        given.append(datetime(year, month, min(day, last), 6, 30))
    stamps = np.array(given, dtype="datetime64[us]")
    found = Timeline.fit(stamps[:25])
    names = {1: "1 month", 3: "3 months", 12: "1 year"}
    assert str(found) == names[months]
    np.testing.assert_array_equal(found.at(np.arange(25)), stamps[:25])
    if len({stamp.day for stamp in given}) == len({stamp.day for stamp in given[:25]}):
        np.testing.assert_array_equal(found.at(np.arange(25, 30)), stamps[25:])
    assert Timeline.fit(np.delete(stamps[:25], [7, 8])).step == months


def test_business_days_have_their_weekends_missing():
    days = regular("2024-01-01", 40, days=1)
    found = Timeline.fit(days[np.is_busday(days.astype("datetime64[D]"))])
    assert str(found) == "1 day"


def test_two_times_a_month_apart_are_a_month_apart():
    assert str(Timeline.fit(times("2024-01-01", "2024-02-01"))) == "1 month"
    assert str(Timeline.fit(times("2024-01-01", "2024-01-29"))) == "4 weeks"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (times("2024-01-01"), "has 1 times; two or more"),
        (times("2024-01-01", "2024-01-02", "2024-01-02"), "a.csv:3: time .* repeats"),
        (times("2024-01-01", "2024-01-03", "2024-01-02"), "a.csv:3: time .* is before"),
        (
            times("2024-01-01", "2024-01-02", "2024-01-03", "2024-01-03T07"),
            "a.csv:4: .* is 7 hours after the row before, where most are 1 day; give one frequency",
        ),
    ],
)
def test_what_is_irregular_is_refused_with_its_row(given: np.ndarray, says: str):
    with pytest.raises(DataError, match=says):
        Timeline.fit(given, "a.csv")


def test_a_time_between_two_places_is_refused():
    line = Timeline.fit(regular("2024-01-01", 5, hours=1))
    with pytest.raises(DataError, match="none of the times that are 1 hour apart"):
        line.places(times("2024-01-01T02:30"))
