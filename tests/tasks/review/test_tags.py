"""Entities in documents, of unknown types, wrong in each way."""

import pytest

from recurra.data.readers.conll import Tagged, one
from recurra.reports import page
from recurra.tasks.review import of_tags
from tests.reports.reading import read, table


def tags(short: str) -> list[str]:
    return [one if one == "O" else f"{one[0]}-{one[1]}" for one in short.split()]


def counts(text: str, section: str) -> dict[str, int]:
    return {row: int(cells["entities"]) for row, cells in table(text, section).items()}


def test_each_way_to_be_wrong_is_counted_once():
    wanted = tags("BA IA O BA O BA IA O BA IA O BA O O O")
    given = tags("BA IA O BB O BA O O BB O O O O BA O")
    rows = [Tagged([str(i) for i in range(15)], wanted, "f:1")]
    text = page("p", of_tags(rows, [given]))
    assert counts(text, "What is wrong") == {
        "right": 1,
        "of another type": 1,
        "with other bounds": 1,
        "with other bounds and of another type": 1,
        "missed altogether": 1,
        "found where there is none": 1,
    }
    shown = table(text, "Entities taken for one another")
    assert shown["A"] == {"A": "1", "B": "1", "missed": "3"}
    assert shown["spurious"] == {"A": "2", "B": "1", "missed": "·"}


def test_sentences_of_a_document_are_looked_at_one_by_one():
    first = Tagged(["Ann", "Bo"], ["B-PER", "I-PER"], "f:1")
    second = Tagged(["Bo", "left", "Oslo"], ["B-PER", "O", "B-LOC"], "f:4")
    row = one([first, second])
    right = list(row.tags)
    text = page("p", of_tags([row], [right]))
    assert table(text, "Entities taken for one another")["PER"]["PER"] == "2"  # not one of three
    assert "0 of 2 sentences" in text
    lengths = table(text, "By length")
    assert {size: cells["rows"] for size, cells in lengths.items()} == {"2": "1", "3": "1"}
    wrong = [*right[:2], "O", "O", "B-PER"]
    text = page("p", of_tags([row], [wrong]))
    section = read(text).texts["Sentences with most mistakes"]
    assert "1 of 2 sentences" in section
    assert "Ann" not in section
    assert "Oslo" in section
    assert table(text, "By length")["3"]["span F1"] == "0.0000"
    assert text.count('<mark class="off"') == 3  # a person missed, a town as a person


def test_types_that_only_one_side_has_are_there():
    rows = [Tagged(["a", "b"], ["B-NEW", "O"], "f:1")]
    text = page("p", of_tags(rows, [["O", "B-OLD"]]))
    assert table(text, "Entities taken for one another") == {
        "NEW": {"NEW": "·", "OLD": "·", "missed": "1"},
        "OLD": {"NEW": "·", "OLD": "·", "missed": "·"},
        "spurious": {"NEW": "·", "OLD": "1", "missed": "·"},
    }
    each = table(text, "Each type")
    assert each["NEW"] == {
        "wanted": "1", "answered": "0", "precision": "", "recall": "0.0000", "F1": "0.0000",
    }  # fmt: skip  # read as a table
    assert each["OLD"]["precision"] == "0.0000"


@pytest.mark.parametrize("rows", [[], [Tagged(["a"], ["O"], "f:1")]])
def test_nothing_to_find(rows: list[Tagged]):
    text = page("p", of_tags(rows, [row.tags for row in rows]))
    assert f"0 of {len(rows)} sentences" in text
    assert "There are none." in text


def test_the_worst_sentences_come_first_and_are_twenty():
    rows = [Tagged(["w"] * 40, ["B-X"] * i + ["O"] * (40 - i), f"f:{i}") for i in range(1, 30)]
    section = read(page("p", of_tags(rows, [["O"] * 40] * 29))).texts
    told = section["Sentences with most mistakes"]
    assert "29 of 29 sentences" in told
    order = [told.index(f"f:{i}") for i in range(29, 9, -1)]
    assert order == sorted(order)
    assert "f:9" not in told


def test_entities_that_share_a_word_in_any_way_meet():
    pairs = [("O BA IA O", "BA IA O O"), ("BA IA O O", "O BA IA O"), ("BA IA IA", "O BA O")]
    for wanted, given in pairs:
        row = Tagged(list("abcd")[: len(tags(wanted))], tags(wanted), "f:1")
        text = page("p", of_tags([row], [tags(given)]))
        assert counts(text, "What is wrong")["with other bounds"] == 1
        assert counts(text, "What is wrong")["found where there is none"] == 0


def test_what_is_wanted_stands_above_what_is_found():
    row = Tagged(["Ann", "ran"], ["B-PER", "O"], "f:1")
    text = page("p", of_tags([row], [["O", "B-LOC"]]))
    section = read(text).texts["Sentences with most mistakes"]
    assert "wantedAnnPER ran" in section
    assert "foundAnn ranLOC" in section
