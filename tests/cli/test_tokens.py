"""`predict --tokens`: words are taken as they are given."""

import io
import json
import sys
from pathlib import Path

import pytest

import recurra
from recurra.cli import main
from recurra.errors import RecurraError
from tests.tasks.conftest import TINY, write_conll, write_reviews

GIVEN = (
    b"It's\r\nU.S\n\n \t\n\nJean-\xe2\x80\x93Luc\n10\xc2\xa0000\n\xc2\xa0\nsaw\xe2\x80\xa8Oslo,\n"
)
SENTENCES = [["It's", "U.S"], ["Jean-–Luc", "10\u00a0000", "\u00a0", "saw\u2028Oslo,"]]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("tags")
    recurra.train("ner", data=write_conll(folder), out=str(folder / "run"), **TINY)
    return str(folder / "run")


def predicted(argv: list[str], capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    capsys.readouterr()
    assert main(["predict", *argv, "--tokens", "--as-json"]) == 0
    return [json.loads(line)["tokens"] for line in capsys.readouterr().out.splitlines()]


def test_one_a_line_from_a_file_and_from_standard_input(
    bundle: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    path = tmp_path / "words.txt"
    path.write_bytes(GIVEN)
    assert predicted([bundle, "--file", str(path)], capsys) == SENTENCES
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\n" + GIVEN + b"\n\n")))
    assert predicted([bundle], capsys) == SENTENCES


def test_arguments_are_parted_by_blanks_alone(bundle: str, capsys: pytest.CaptureFixture[str]):
    assert predicted([bundle, " It's  U.S\tx,", "a\u00a0b"], capsys) == [
        ["It's", "U.S", "x,"],
        ["a\u00a0b"],
    ]


def test_they_are_what_a_list_is_in_python(bundle: str, capsys: pytest.CaptureFixture[str]):
    model = recurra.load(bundle)
    for given in (SENTENCES, [tuple(words) for words in SENTENCES]):
        assert [row.tokens for row in model.predict(given)] == SENTENCES
    with pytest.raises(RecurraError, match="input 1 is empty"):
        model.predict([["Oslo", " "]])


def test_more_than_one_word_in_a_line_is_its_sentence_s_error(
    bundle: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "words.txt"
    for line in (b"Oslo B-LOC", b"Oslo\tB-LOC", b"x" * 100_001):
        path.write_bytes(b"Ann\n" + line + b"\nx y\n\nsaw\n")
        assert main(["predict", bundle, "--file", str(path), "--tokens"]) == 2
        out, err = capsys.readouterr()
        first, second = out.splitlines()
        assert first.startswith(f"error: {path}:2: ")
        assert "saw" in second
        assert "1 of 2 inputs has no answer" in err


def test_models_that_read_no_words_refuse(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = str(tmp_path / "run")
    recurra.train("sentiment", data=write_reviews(tmp_path), out=out, **TINY)
    capsys.readouterr()
    assert main(["predict", out, "fine", "--tokens"]) == 2
    assert "--tokens: sentiment reads no words" in capsys.readouterr().err
