"""Words that come: a stream tells what `predict` tells, however a text is cut."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from recurra.data.habit import Habit
from recurra.errors import RecurraError
from recurra.tasks.model import Model
from recurra.tasks.streams.session import Session

from .made import cuts, heard, made, refuses, same, size

TEXT = (
    "This room wasn't fine, the meal\u00a0was awful!  our train e\u0301te\u0301 12.5 was late ..."
)
SENTENCE = "Ann met J. Flo. in Rome (No. 5, don't) she said No. \" )"
ONE_WAY: dict[str, Any] = {"bidirectional": False}


@pytest.mark.parametrize(
    "fields",
    [{"pool": "mean"}, {"pool": "max", "lookahead": 2}, {"cell": "mingru"}, {"lookahead": 3}],
)
def test_the_label_of_a_text_so_far(tmp_path: Path, fields: dict[str, Any]):
    model = made("sentiment", tmp_path, **ONE_WAY, **fields)
    whole = heard(model, [TEXT])
    for pieces in (list(TEXT), cuts(TEXT, 1), cuts(TEXT, 2)):
        assert same(heard(model, pieces), whole)
    assert [one["step"] for one in whole] == list(range(1, len(whole) + 1))
    (answer,) = model.predict([TEXT])
    assert whole[-1]["label"] == answer.label
    assert whole[-1]["probabilities"] == pytest.approx(answer.probabilities, abs=1e-5)
    if "lookahead" in fields:
        return
    (answer,) = model.predict(["This room"])
    assert whole[1]["probabilities"] == pytest.approx(answer.probabilities, abs=1e-5)


@pytest.mark.parametrize("fields", [{}, {"lookahead": 2}, {"spelling": "recurrent"}])
def test_the_tag_of_each_word(tmp_path: Path, fields: dict[str, Any]):
    model = made("ner", tmp_path, **ONE_WAY, output="softmax", **fields)
    whole = heard(model, [SENTENCE])
    for pieces in (list(SENTENCE), cuts(SENTENCE, 1), cuts(SENTENCE, 2)):
        assert same(heard(model, pieces), whole)
    (answer,) = model.predict([SENTENCE])
    assert [one["word"] for one in whole] == answer.tokens
    assert [one["tag"] for one in whole] == answer.tags
    words = answer.tokens
    assert heard(model, [words]) == whole
    assert heard(model, [[word] for word in words]) == whole
    assert heard(model, ["Ann met", ["Flo"]]) == heard(model, ["Ann met Flo"])


def test_a_crf_tells_the_end_of_the_best_path_so_far(tmp_path: Path):
    model = made("ner", tmp_path, **ONE_WAY, output="crf")
    with torch.no_grad():  # so that neighbours decide as much as words
        model.network.output.transitions.mul_(4)
        model.network.head[1].weight.mul_(3)
    words = ["Ann", "met", "Flo", "and", "Gus", "left", "Rome", "for", "Oslo", "."]
    told = [one["tag"] for one in heard(model, cuts(words, 3))]
    ends = [model.predict([words[:n]])[0].tags[-1] for n in range(1, len(words) + 1)]
    assert told == ends
    assert len(set(told)) > 1
    with torch.no_grad():
        model.network.output.end.copy_(torch.tensor([0.0, 90.0, 0.0]))
    assert {one["tag"] for one in heard(model, [words])} == {model.codec.tags[1]}


def test_how_a_text_is_cut_by_a_habit_is_known_at_the_next_word(tmp_path: Path):
    model = made("ner", tmp_path, **ONE_WAY, output="softmax")
    habit = Habit(patterns=("initial", "ordinal"), kept=("No.",), split_last=("No.",))
    model.codec = replace(model.codec, habit=habit)
    sentence = 'J. Smith and No. 5 on 3. May said No. ")'
    tokens = model.predict([sentence])[0].tokens
    assert " ".join(tokens) == 'J. Smith and No. 5 on 3. May said No . " )'
    for pieces in (list(sentence), cuts(sentence, 1), [sentence[:18], sentence[18:]]):
        assert [one["word"] for one in heard(model, pieces)] == tokens


def test_a_memory_stays_as_small_as_it_is(tmp_path: Path):
    for name in ("sentiment", "ner"):
        (tmp_path / name).mkdir()
        model = made(name, tmp_path / name, **ONE_WAY, lookahead=2)
        session = Session(model)
        session.push("the room was fine " * 3)
        before = size(session.memory)
        session.push("the room was fine " * 100)
        assert size(session.memory) <= before + 3


def test_half_a_character_waits_for_the_other(tmp_path: Path):
    model = made("ner", tmp_path, **ONE_WAY, output="softmax")
    assert heard(model, ["a \ud83d", "\ude00 b"]) == heard(model, ["a \U0001f600 b"])


def test_wrong_frames_change_nothing(tmp_path: Path):
    wrong: list[Any] = [
        *(None, 1, 1.5, True, {}, {"text": "a"}, b"a", "a" * 100_001, "b" * 10_001),
        *("\ude00 a", "a \ud83d a"),
    ]
    for name, more in [("sentiment", [["a"]]), ("ner", [[1], [["a"]], [""], ["\ud83d"], [None]])]:
        (tmp_path / name).mkdir()
        refuses(made(name, tmp_path / name, **ONE_WAY), [*wrong, *more], "the room was fi")


@pytest.mark.parametrize(
    ("name", "fields", "reason"),
    [
        ("sentiment", {"bidirectional": True}, "both ways.*--no-bidirectional"),
        ("ner", {"bidirectional": True}, "both ways.*--no-bidirectional"),
        ("sentiment", {"bidirectional": False, "members": 2}, "several networks"),
        ("sentiment", {"bidirectional": False, "bag": True}, "several networks"),
        ("image_classification", {}, "in one piece"),
    ],
)
def test_a_model_that_cannot_stream_says_why(
    tmp_path: Path, name: str, fields: dict[str, Any], reason: str
):
    model: Model = made(name, tmp_path, **fields)
    with pytest.raises(RecurraError, match=reason):
        Session(model)
