"""Tagged sentences from CoNLL columns."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recurra.data.readers.conll import Tagged, read, read_file, to_iob2
from recurra.data.readers.text import Rows
from recurra.errors import DataError
from tests.every import Every as Recipe

IOB2 = ["B-PER", "I-PER", "B-PER", "O", "B-LOC", "B-ORG", "I-ORG", "I-ORG"]


@pytest.mark.parametrize(
    "tags",
    [
        IOB2,
        ["I-PER", "I-PER", "B-PER", "O", "I-LOC", "I-ORG", "I-ORG", "I-ORG"],
        ["B-PER", "E-PER", "S-PER", "O", "S-LOC", "B-ORG", "I-ORG", "E-ORG"],
        ["B-PER", "L-PER", "U-PER", "O", "U-LOC", "B-ORG", "I-ORG", "L-ORG"],
    ],
    ids=["IOB2", "IOB1", "IOBES", "BILOU"],
)
def test_every_scheme_becomes_iob2(tags: list[str]) -> None:
    assert to_iob2(tags) == IOB2


def test_plain_io_begins_a_span_at_every_change_of_type() -> None:
    assert to_iob2(["I-A", "I-A", "I-B", "O", "I-B"]) == ["B-A", "I-A", "B-B", "O", "B-B"]


def test_a_closed_span_is_not_continued() -> None:
    assert to_iob2(["S-A", "I-A", "E-A", "I-A"]) == ["B-A", "B-A", "I-A", "B-A"]


@given(st.lists(st.sampled_from(["O", "B-A", "I-A", "B-B", "I-B", "S-A", "E-A", "E-B"])))
def test_iob2_is_always_well_formed_and_stays(tags: list[str]) -> None:
    converted = to_iob2(tags)
    for before, tag in zip(["O", *converted], converted, strict=False):
        assert tag[0] != "I" or before[1:] == tag[1:]
    assert to_iob2(converted) == converted
    assert [tag[1:] for tag in converted] == [tag[1:] for tag in tags]


@pytest.mark.parametrize("separator", [" ", "\t"], ids=["space", "tab"])
def test_columns_between_token_and_tag_are_passed_over(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "rows.conll"
    rows = ["-DOCSTART- -X- O O", "", "EU NNP I-NP I-ORG", "rejects VBZ I-VP O", "", "", "Ja X X O"]
    path.write_text("\n".join(rows).replace(" ", separator))
    assert read_file(path, Rows()) == [
        Tagged(["EU", "rejects"], ["B-ORG", "O"], f"{path}:3"),
        Tagged(["Ja"], ["O"], f"{path}:7"),
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("a O\nb X O\n", ":2: has 3 columns where 2 are expected"),
        ("a O\nb\n", ":2: has 1 columns where 2 are expected"),
        ("alone\n", ":1: has one column"),
        ("a O\nb PER\n", ":2: has the tag 'PER'; a tag is O, or B-"),
        ("a O\nb X-PER\n", ":2: has the tag 'X-PER'"),
        ("a O\nb B-\n", ":2: has the tag 'B-'"),
        ("a\tO\n\tO\n", ":2: has no token"),
        ("\n\n", ": holds no sentences"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, content: str, reason: str) -> None:
    path = tmp_path / "rows.conll"
    path.write_text(content)
    with pytest.raises(DataError) as caught:
        read_file(path, Rows())
    assert str(caught.value).startswith(f"{path}{reason}")


def test_a_bad_row_spoils_its_sentence_only(tmp_path: Path) -> None:
    path = tmp_path / "rows.conll"
    path.write_text("a O\nb O\n\nc O\nd\ne\nf O\n\ng O\n")
    rows = Rows(skip=True)
    assert [row.tokens for row in read_file(path, rows)] == [["a", "b"], ["g"]]
    assert rows.skipped == 1


def test_parts_and_types(tmp_path: Path) -> None:
    for name in ("eng.train", "eng.testa", "eng.testb"):
        (tmp_path / name).write_text("Ada B-PER\nran O\n\nshe O\n")
    (tmp_path / "README.md").write_text("train")
    splits = read(Recipe(data=str(tmp_path)))
    assert [len(part) for part in splits.parts] == [2, 2, 2]
    (tmp_path / "eng.testb").write_text("no O\n\nRome B-LOC\n")
    with pytest.raises(DataError, match=r"eng\.testb:3: label 'LOC' does not occur"):
        read(Recipe(data=str(tmp_path)))


def test_no_entities_at_all(tmp_path: Path) -> None:
    path = tmp_path / "train.conll"
    path.write_text("a O\n\nb O\n\nc O\n\n")
    with pytest.raises(DataError, match=r"too few labels \(none\)"):
        read(Recipe(data=str(path)))


DOCUMENTS = """\
-DOCSTART- O

Rome I-LOC
. O

Italy I-LOC

-DOCSTART- O

Ann I-PER
Bo I-PER

Cy I-PER
left O
Rome I-LOC
"""


def test_sentences_of_one_document_are_read_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rows.conll"
    path.write_text(DOCUMENTS)
    first = Tagged(["Rome", ".", "Italy"], ["B-LOC", "O", "B-LOC"], f"{path}:3", (0, 2))
    tokens, tags = ["Ann", "Bo", "Cy", "left", "Rome"], ["B-PER", "I-PER", "B-PER", "O", "B-LOC"]
    assert read_file(path, Rows(), longest=5) == [
        first,
        Tagged(tokens, tags, f"{path}:10", (0, 2)),
    ]
    assert "4 sentences in 2 documents" in capsys.readouterr().err
    assert read_file(path, Rows(), longest=4) == [
        first,
        Tagged(tokens[:2], tags[:2], f"{path}:10", (0,)),
        Tagged(tokens[2:], tags[2:], f"{path}:13", (0,)),
    ]
    assert [row.starts for row in read_file(path, Rows())] == [(0,)] * 4


def test_a_documents_first_sentence_may_be_bad(tmp_path: Path) -> None:
    path = tmp_path / "rows.conll"
    path.write_text(DOCUMENTS.replace("Ann I-PER", "Ann nothing"))
    found = read_file(path, Rows(skip=True), longest=9)
    assert [row.tokens for row in found] == [["Rome", ".", "Italy"], ["Cy", "left", "Rome"]]


def test_a_column_may_say_which_document_it_is(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    rows = ["document,sentence,word,tag"]
    for i in range(3):
        rows += [f"d{i},{2 * i},Rome,B-LOC", f"d{i},{2 * i},fell,O", f"d{i},{2 * i + 1},So,O"]
    path.write_text("\n".join(rows) + "\n")
    found = read_file(path, Rows(), longest=9)
    assert [(row.tokens, row.starts) for row in found] == [(["Rome", "fell", "So"], (0, 2))] * 3


def test_where_no_document_is_marked_each_sentence_is_alone(tmp_path: Path) -> None:
    path = tmp_path / "rows.conll"
    path.write_text("a O\nb O\n\nc O\n")
    assert [row.tokens for row in read_file(path, Rows(), longest=99)] == [["a", "b"], ["c"]]
