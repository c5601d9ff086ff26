"""Series: errors counted by hand, alarms that begin, and steps that belong to no part."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from recurra.data.readers.roles import Form
from recurra.data.readers.series import Series
from recurra.reports import page
from recurra.streaming.surprise import Moment
from recurra.tasks.review import of_alarms, of_forecasts
from tests.reports.reading import read, table


def series(values: list[float], begin: int = 0, name: str = "", where: str = "f:1") -> Series:
    whole = np.array(values)[:, None]
    none = np.zeros((len(values), 0))
    rows = np.arange(len(values))
    form = Form((), None, None, ".")
    return Series(whole, none, None, ("heat",), (), rows, name, begin, form, where)


class Windows(list[Any]):
    def locate(self, number: int) -> tuple[int, int]:
        return number % 2, 0


def codec(futures: list[list[list[float]]]) -> Any:
    windows = Windows(futures)
    return SimpleNamespace(
        names=("a", "b"),
        horizon=2,
        windows=lambda rows, horizon, every: windows,
        collate=lambda some: SimpleNamespace(future=torch.tensor(some)),
    )


@pytest.mark.unchecked("the codec is a stand-in")
def test_errors_are_means_of_what_came():
    nan = float("nan")
    came = [[[1.0, 0.0], [2.0, nan]], [[5.0, nan], [0.0, nan]], [[nan, nan], [nan, nan]]]
    rows = [series([0.0]), series([0.0], where="g:9")]
    text = page(
        "p",
        of_forecasts(codec(came), rows, 1, lambda batch: torch.zeros_like(batch.future)),
    )
    steps = {step: cells["error"] for step, cells in table(text, "By step ahead").items()}
    assert steps == {"1": "2.0000", "2": "1.0000"}  # (1 + 0 + 5) / 3, (2 + 0) / 2
    channels = {name: cells["error"] for name, cells in table(text, "By channel").items()}
    assert channels == {"a": "2.0000", "b": "0.0000"}
    section = read(text).texts["Worst forecasts"]
    assert section.index("2.500") < section.index("1.000")
    assert "g:9, window 2" in section
    assert "window 3" not in section  # of which nothing came
    assert text.count("<polyline") == 4


@pytest.mark.unchecked("the codec is a stand-in")
def test_of_very_many_windows_the_first_are_foretold():
    asked: list[int] = []

    def foretell(batch: Any) -> torch.Tensor:
        asked.append(len(batch.future))
        return batch.future

    many = codec([[[1.0, 1.0]] * 2] * 3000)
    text = page("p", of_forecasts(many, [series([0.0])] * 2, 1, foretell))
    assert sum(asked) == 1000
    assert "over 1,000 windows" in text
    assert of_forecasts(codec([]), [], 1, foretell) == []


def said(one: Series) -> list[Moment]:
    scores = one.values[:, 0]
    found, since = [], -1
    for score in scores:
        since = since + 1 if score >= 0.5 else -1
        found.append(Moment(float(score), 0 if score else -1, since >= 0, since))
    return found


def test_alarms_stand_where_they_begin_within_the_part():
    rows = [series([0.9, 0.0, 0.6, 0.7, 0.1, 0.8], 1, "x"), series([0.0, 0.55], 0, "y")]
    text = page("p", of_alarms(("heat",), rows, said))
    head, *alarms = read(text).tables["Alarms"][0]
    assert head == ["series", "time", "score", "channel", "marked"]
    assert [line[:3] for line in alarms] == [
        ["x", "3", "0.6000"],
        ["x", "6", "0.8000"],
        ["y", "2", "0.5500"],
    ]
    _, *steps = read(text).tables["Most unusual steps"][0]
    assert [line[2] for line in steps] == [
        "0.8000", "0.7000", "0.6000", "0.5500", "0.1000", "0.0000", "0.0000",
    ]  # fmt: skip  # read as a list
    assert [line[3] for line in steps][-2:] == ["", ""]
    assert "Of 7 steps." in text


def test_series_that_are_long_are_not_watched_again_to_their_end():
    watched: list[int] = []

    def watch(one: Series) -> list[Moment]:
        watched.append(len(one.values))
        return said(one)

    rows = [series([0.0] * 15_000, 14_000), series([0.0] * 15_000, 100), series([0.0] * 9)]
    text = page("p", of_alarms(("heat",), rows, watch))
    assert watched == [15_000, 5_000]
    assert "Of 5,900 steps" in text
    assert of_alarms(("heat",), [], watch)
