"""Labels: unknown ones, labels of steps, and buckets of lengths."""

import random
from itertools import pairwise

import pytest

from recurra.reports import Text, page
from recurra.tasks.review import of_labels, of_steps, of_texts, of_transcripts
from recurra.tasks.review.lengths import by_length
from tests.reports.reading import read, table

LABELS = ["bad", "good"]


def test_a_label_that_the_model_never_saw_is_a_class_of_its_own():
    p = [[0.2, 0.8], [0.9, 0.1]]
    text = page("p", of_labels(LABELS, ["odd <b>", "bad"], p, str, ["f:1", "f:2"]))
    assert table(text, "Confusions")["odd <b>"] == {"bad": "·", "good": "1", "odd <b>": "·"}
    assert (
        "odd <b> (unknown to the model)answeredgood (80%)"
        in read(text).texts["Most confident mistakes"]
    )
    assert table(text, "Each class")["odd <b>"]["recall"] == "0.0000"


def test_nothing_was_asked():
    text = page("p", of_labels(LABELS, [], [], str, []))
    assert "0 of 0 answers are wrong" in text
    assert "By length" not in read(text).tables
    texts = of_texts([], [], [], str, [], "words", lambda _: None)
    assert "0 of 0 are not as wanted" in page("p", [*texts, *of_transcripts([], [], [], [])])


def test_the_most_confident_mistakes_come_first_and_are_twenty():
    p = [[0.5 + i / 100, 0.5 - i / 100] for i in range(1, 31)]
    random.Random(0).shuffle(p)
    where = [f"row{round(100 * (row[0] - 0.5)):02}" for row in p]
    wanted = ["good"] * 29 + ["bad"]

    def shown(i: int) -> Text:
        return Text(f"text of {where[i]}")

    section = read(page("p", of_labels(LABELS, wanted, p, shown, where))).texts
    told = section["Most confident mistakes"]
    ranked = [name for name in sorted(where, reverse=True) if name != where[29]][:20]
    order = [told.index(f"text of {name}") for name in ranked]
    assert order == sorted(order)
    assert told.count("text of") == 20
    assert "29 of 30 answers are wrong" in told


def test_steps_are_counted_and_those_that_were_cut_are_not():
    wanted, found = [["a", "a", "b"], ["b", "b", "b"], ["a"]], [["a", "b"], ["b", "a", "a"], ["a"]]
    text = page("p", of_steps(["a", "b"], wanted, found, lambda i: f"s{i}", ["f", "g", "h"]))
    assert table(text, "Confusions") == {"a": {"a": "2", "b": "1"}, "b": {"a": "2", "b": "1"}}
    section = read(text).texts["Most wrong steps"]
    assert "3 of 6 steps are wrong" in section
    assert section.index("s1wrong2 of 3 steps") < section.index("s0wrong1 of 2 steps")
    assert "s2" not in section


@pytest.mark.parametrize("count", [0, 1, 2, 4, 5, 6, 100, 1000])
@pytest.mark.parametrize("most", [1, 3, 1000])
def test_every_row_is_in_one_bucket_of_about_a_fifth(count: int, most: int):
    choice = random.Random(count)
    sizes = [choice.randint(1, most) for _ in range(count)]
    found = by_length(sizes)
    assert sorted(i for bucket in found for i in bucket.rows) == list(range(count))
    assert len(found) <= 5
    for low, high, rows in found:
        assert (low, high) == (min(sizes[i] for i in rows), max(sizes[i] for i in rows))
    assert all(a.high < b.low for a, b in pairwise(found))
    if most == count == 1000:
        assert all(150 <= len(bucket.rows) <= 250 for bucket in found)


def test_answers_that_are_one_of_their_references_are_no_mistakes():
    wanted = [["a b", " c"], ["d"], ["some words"]]
    looks = {1: Text("looked here")}
    text = page(
        "p",
        of_texts(["c", "x", "some word"], wanted, ["f:1", "f:2", "f:3"], lambda i: f"source{i}",
                 [1, 2, 2], "words", looks.get),
    )  # fmt: skip  # the rows stand side by side
    section = read(text).texts["Worst texts"]
    assert "2 of 3 are not as wanted" in section
    assert "source0" not in section
    assert section.index("source1") < section.index("source2")  # chrF 0 before nearly right
    assert "chrF0.0" in section
    assert table(text, "By length")["1"]["exact_match"] == "1.0000"
    assert table(text, "By length")["2"]["rows"] == "2"
    assert "writtenxlooked here" in read(text).texts["Where it looked"].replace("\n", "")


def test_frequent_classes_come_first():
    wanted = ["b", "c", "c", "c", "b", "a"]
    p = [[1.0, 0.0, 0.0, 0.0]] * 6
    text = page("p", of_labels(["a", "b", "c", "d"], wanted, p, str, [""] * 6))
    assert list(table(text, "Each class")) == ["c", "b", "a", "d"]
