import builtins
import sys

import pytest

from recurra.errors import MissingExtra
from recurra.training.metrics import (
    accuracy,
    bleu,
    chrf,
    error_rates,
    exact_match,
    length_ratio,
    span_f1,
)


def test_accuracy():
    assert accuracy([1, 2, 3, 4], [1, 2, 0, 4]) == 0.75
    assert accuracy([], []) == 0.0
    with pytest.raises(ValueError, match="zip"):
        accuracy([1], [])


def test_exact_match_takes_any_reference():
    assert exact_match(["a b ", "c", "d"], [["x", "a b"], ["C"], ["d"]]) == 2 / 3
    assert exact_match([], []) == 0.0


def test_span_f1_counts_whole_entities():
    gold = [["B-PER", "I-PER", "O", "B-LOC"], ["O", "B-ORG"]]
    assert span_f1(gold, gold) == 1.0
    # one of three found, one of three right: the cut person and the wrong class do not count
    found = [["B-PER", "O", "O", "B-LOC"], ["O", "B-LOC"]]
    assert span_f1(gold, found) == pytest.approx(1 / 3)
    assert span_f1([["O"]], [["O"]]) == 0.0
    assert span_f1([], []) == 0.0


def test_bleu_and_chrf():
    text = "the cat sat on the mat today"
    assert bleu([text], [[text]]) == pytest.approx(100)
    assert chrf([text], [[text]]) == pytest.approx(100)
    assert bleu([text, text], [["another", text], [text]]) == pytest.approx(100)
    assert bleu([text], [["nothing alike here at all, none"]]) < 5
    assert bleu([], []) == chrf([], []) == 0.0


def test_error_rates_are_edits_by_what_is_wanted():
    wanted = ["one two three four", "five", "six seven"]
    answers = ["one too three", "", "six seven eight nine"]
    # one substitution and one deletion; one deletion; two insertions, of 7 words
    assert error_rates(answers, wanted)["wer"] == pytest.approx(5 / 7)
    # w→o, " four" gone; "five" gone; " eight nine" too much, of 18 + 4 + 9 characters
    assert error_rates(answers, wanted)["cer"] == pytest.approx((1 + 5 + 4 + 11) / 31)
    assert error_rates(["two", "one"], ["one", "two"])["wer"] == 1.0  # each against its own
    assert error_rates(["a b", ""], ["", ""]) == {"wer": 2.0, "cer": 3.0}
    assert error_rates([], []) == {"wer": 0.0, "cer": 0.0}
    with pytest.raises(ValueError, match="zip"):
        error_rates(["one"], [])


def test_missing_jiwer_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "jiwer", None)
    with pytest.raises(MissingExtra, match=r"jiwer: pip install 'recurra\[speech\]'"):
        error_rates(["a"], ["a"])


@pytest.mark.parametrize(
    ("metric", "answers", "library"),
    [(span_f1, [["O"]], "seqeval"), (bleu, ["a"], "sacrebleu"), (chrf, ["a"], "sacrebleu")],
)
def test_missing_library_is_named(monkeypatch, metric, answers, library):
    original = builtins.__import__

    def refuse(name, *rest, **more):
        if name.split(".")[0] == library:
            raise ImportError(name)
        return original(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingExtra, match=rf"{library}: pip install 'recurra\[text\]'"):
        metric(answers, [["O"]])


def test_length_ratio_is_of_all_characters_by_the_mean_reference():
    assert length_ratio(["abc", "d"], [["abcd"], ["ab", "abcd"]]) == (3 + 1) / (4 + 3)
    assert length_ratio(["犬が走る"], [["犬走る"]]) == 4 / 3
    assert length_ratio([], []) == length_ratio(["a"], [[""]]) == 0.0
    assert length_ratio([""], [["ab"]]) == 0.0
