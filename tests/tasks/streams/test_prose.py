"""A text that goes on: the bits of each unit, however it is cut."""

from pathlib import Path
from typing import Any

import pytest

from recurra.errors import RecurraError
from recurra.tasks.streams.session import Session

from .made import cuts, heard, made, refuses, same, size

TEXT = "The old cat's saw  7 dogs.\n\n It ran home \u2014 again\t\U0001f600 e\u0301 12!  \n"


@pytest.mark.parametrize(
    ("unit", "fields"),
    [
        ("characters", {}),
        ("bytes", {"layers": 2}),
        ("words", {"tied": True}),
        ("subwords", {"vocabulary": 300, "cell": "mingru"}),
    ],
)
def test_the_bits_of_each_unit(tmp_path: Path, unit: str, fields: dict[str, Any]):
    model = made("language_model", tmp_path, unit=unit, **fields)
    whole = heard(model, [TEXT])
    for pieces in (list(TEXT), cuts(TEXT, 1), cuts(TEXT, 2), ["", TEXT, ""]):
        assert same(heard(model, pieces), whole)
    (answer,) = model.predict([TEXT])
    assert [one["unit"] for one in whole] == answer.tokens
    assert [one["bits"] for one in whole] == pytest.approx(answer.surprises, abs=2e-5)
    assert [one["step"] for one in whole] == list(range(1, len(whole) + 1))


def test_halves_of_a_character_wait_for_each_other(tmp_path: Path):
    model = made("language_model", tmp_path, unit="bytes")
    assert same(heard(model, ["a\ud83d", "\ude00b"]), heard(model, ["a\U0001f600b"]))


def test_a_memory_stays_as_small_as_it_is(tmp_path: Path):
    for unit in ("characters", "words", "subwords"):
        session = Session(made("language_model", tmp_path, unit=unit, vocabulary=300))
        session.push(TEXT)
        before = size(session.memory)
        session.push(TEXT * 20)
        assert size(session.memory) <= before + 3


@pytest.mark.parametrize("wrong", [{"last": 999}, {"last": -1}, {"asked": [999]}])
def test_a_memory_of_another_model_is_refused(tmp_path: Path, wrong: dict[str, Any]):
    session = Session(made("language_model", tmp_path, unit="characters"))
    session.memory |= wrong
    with pytest.raises(RecurraError, match="of another model"):
        session.push("a")


def test_wrong_frames_change_nothing(tmp_path: Path):
    wrong: list[Any] = [None, 1, True, {}, ["a"], b"a", "a" * 100_001, "\ude00a", "\ud83d a"]
    refuses(made("language_model", tmp_path, unit="characters"), wrong, "The c")
    refuses(made("language_model", tmp_path, unit="words"), [*wrong, "a" * 10_001], "The c")
