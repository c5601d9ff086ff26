"""Labelled texts from CSV, TSV and JSON lines."""

import gzip
import json
from pathlib import Path

import pytest

from recurra.data.readers.tabular import TextLabel, read, read_file
from recurra.data.readers.text import Rows
from recurra.errors import DataError
from recurra.training.recipe import Recipe


def pairs(path: Path, **fields: str) -> list[tuple[str, str]]:
    return [(row.text, row.label) for row in read_file(path, Rows(), Recipe(**fields))]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("sst.tsv", 'a "fine" film\t1\nwaste , of time\t0\n'),
        ("head.csv", 'label,text\n1,"a ""fine"" film"\n0,"waste , of time"\n'),
        ("semi.csv", 'Sentiment;Review\r\n1;"a ""fine"" film"\r\n0;waste , of time\r\n'),
        ("swapped.txt", '1\ta "fine" film\n0\twaste , of time\n'),
        ("extra.csv", 'id,phrase,stars\n7,"a ""fine"" film",1\n8,"waste , of time",0\n'),
        ("half.csv", 'utterance,kind\n"a ""fine"" film",1\n"waste , of time",0\n'),
        ("blank.tsv", 'text\tlabel\n\na "fine" film\t1\n\nwaste , of time\t0\n\n'),
        (
            "rows.jsonl",
            '{"text": "a \\"fine\\" film", "label": 1}\n{"label": 0, "text": "waste , of time"}\n',
        ),
    ],
)
def test_a_table_in_any_form(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode())
    assert pairs(path) == [('a "fine" film', "1"), ("waste , of time", "0")]
    packed = tmp_path / (name + ".gz")
    packed.write_bytes(gzip.compress(content.encode()))
    assert pairs(packed) == pairs(path)


def test_rows_are_numbered_by_the_line_that_they_begin_on(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text('text,label\n"two\nlines",a\nnext,b\n')
    assert read_file(path, Rows(), Recipe()) == [
        TextLabel("two\nlines", "a", f"{path}:2"),
        TextLabel("next", "b", f"{path}:4"),
    ]


def test_named_columns_win(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("text,title,label,class\nbody,head,a,b\n")
    assert pairs(path) == [("body", "a")]
    assert pairs(path, text_column="title", label_column="class") == [("head", "b")]
    with pytest.raises(DataError, match=r"no column 'titel'; its columns are text, title, label"):
        pairs(path, text_column="titel")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("text,label\ngood,a\nbad\nworse,b\n", ":3: has 1 columns where 2 are expected"),
        ("text,label\ngood,a\nbad,b,c\n", ":3: has 3 columns where 2 are expected"),
        ("text,label\ngood,a\n ,b\n", ":3: has no text in column 'text'"),
        ("text,label\ngood,a\nbad,\n", ":3: has no label in column 'label'"),
        ('text,label\ngood,a\n"bad,b\n', ":3: is quoted wrongly"),
        ("text,text\ngood,a\n", ": has two columns named 'text'"),
        ("alone\nin\nhere\n", ": has one column"),
        ("\n\n", ": holds no rows"),
        ('{"text": "good", "label": 1}\n{"text": "bad"\n', ":2: is not JSON"),
        ('{"text": "good", "label": 1}\n{"text": "bad"}\n', ":2: has no label"),
        ('{"text": "good", "label": 1}\n{"text": 3, "label": 1}\n', ":2: has no text"),
        ('{"text": "good", "label": 1}\n[]\n', ":2: is not a JSON object"),
        ('{"text": "good"}\n', ": has one column"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, content: str, reason: str) -> None:
    path = tmp_path / ("rows.jsonl" if content.startswith("{") else "rows.csv")
    path.write_text(content)
    with pytest.raises(DataError) as caught:
        pairs(path)
    assert str(caught.value).startswith(f"{path}{reason}")
    assert "\n" not in str(caught.value)


def test_one_label_is_too_few(tmp_path: Path) -> None:
    path = tmp_path / "rows.tsv"
    path.write_text("".join(f"text {i}\tsame\n" for i in range(20)))
    with pytest.raises(DataError, match=r"too few labels \(same\); at least 2"):
        read(Recipe(data=str(path)))


def test_a_label_that_training_lacks(tmp_path: Path) -> None:
    for part in ("train", "dev", "test"):
        (tmp_path / f"{part}.tsv").write_text("one\ta\ntwo\tb\n")
    (tmp_path / "test.tsv").write_text("one\ta\ntwo\tB\n")
    with pytest.raises(DataError, match=r"test\.tsv:2: label 'B' does not occur in the training"):
        read(Recipe(data=str(tmp_path)))
    splits = read(Recipe(data=str(tmp_path), skip_bad_rows=True))
    assert (len(splits.test), splits.skipped) == (1, 1)


def test_hundreds_of_labels(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    rows = ({"text": f"text {i}", "label": i % 300} for i in range(900))
    path.write_text("\n".join(map(json.dumps, rows)))
    assert len({row.label for row in read(Recipe(data=str(path))).train}) == 300
