"""Labelled texts from CSV, TSV and JSON lines."""

import gzip
import json
from pathlib import Path

import pytest

from recurra.data.readers.columns import Column
from recurra.data.readers.tabular import TextLabel, read, read_file
from recurra.data.readers.text import Rows
from recurra.errors import DataError
from tests.every import Every as Recipe


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
        ("alone\nin\nhere\n", ": has one column"),
        ("\n\n", ": holds no rows"),
        ('{"text": "good", "label": 1}\n{"text": "bad"\n', ":2: is not JSON"),
        ('{"text": "good", "label": 1}\n{"text": "bad"}\n', ":2: has no label"),
        ('{"text": "good", "label": 1}\n{"text": null, "label": 1}\n', ":2: has no text"),
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


def test_the_delimiter_is_told_with_regard_to_quotes(tmp_path: Path) -> None:
    heads = [f"{'alpha, ' * (i % 4)}story {i} | Daily; Paper" for i in range(40)]
    for name in ("bar.csv", "bar.tsv", "bar.txt"):
        path = tmp_path / name
        path.write_text("text,label\n" + "".join(f'"{h}",{i % 2}\n' for i, h in enumerate(heads)))
        assert pairs(path) == [(head, str(i % 2)) for i, head in enumerate(heads)]
    for delimiter in ";\t|":
        for name in ("plain.csv", "plain.txt"):
            path = tmp_path / name
            rows = (f"lovely stay {i}, would return{delimiter}{'ab'[i % 2]}" for i in range(40))
            path.write_text("\n".join(rows))
            assert pairs(path)[1] == ("lovely stay 1, would return", "b")


def test_quotes_between_tabs(tmp_path: Path) -> None:
    path = tmp_path / "rows.tsv"
    path.write_text('text\tlabel\n"a ""fine""\tfilm\nof two lines"\t1\nwaste\t0\n"rest\t1\n')
    assert pairs(path) == [('a "fine"\tfilm\nof two lines', "1"), ("waste", "0"), ('"rest', "1")]
    path.write_text('"text"\t"label"\n"fine film"\t"1"\n"waste"\t"0"\n')
    assert pairs(path) == [("fine film", "1"), ("waste", "0")]
    path.write_text('"Fine" film\t1\nwaste\t0\n"so" it "is"\t1\n')
    assert pairs(path) == [('"Fine" film', "1"), ("waste", "0"), ('"so" it "is"', "1")]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ('"a \\"fine\\" film",1\n"dull, dull",0\n', ['a "fine" film', "dull, dull"]),
        ('1, "a ""fine"", film"\n0, "dull, dull"\n', ['a "fine", film', "dull, dull"]),
        ("a text, label\nfine, film, 1\n", None),
    ],
)
def test_quotes_of_other_programs(tmp_path: Path, content: str, found: list[str] | None) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(content)
    if found is None:
        with pytest.raises(DataError, match=r"rows\.csv:2: has 3 columns where 2 are expected"):
            pairs(path)
    else:
        assert pairs(path) == [(found[0], "1"), (found[1], "0")]


@pytest.mark.parametrize("later", ["", '"plain words, number 299",pos', '"two\nlines",neg'])
def test_an_open_quote_spoils_its_own_row_only(tmp_path: Path, later: str) -> None:
    rows = [f"plain words number {i},{'pos' if i % 2 else 'neg'}" for i in range(400)]
    rows[4] = '"plain words number 4,neg'
    rows[299] = later or rows[299]
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["text,label", *rows]) + "\n")
    told = Rows(skip=True)
    assert len(read_file(path, told, Recipe())) == 399
    assert told.skipped == 1
    with pytest.raises(DataError, match=r"rows\.csv:6: is quoted wrongly: nothing closes"):
        pairs(path)


def test_an_open_quote_does_not_end_in_another_rows_inch(tmp_path: Path) -> None:
    rows = [f"plain words number {i},{'pos' if i % 2 else 'neg'}" for i in range(40)]
    rows[4], rows[30] = '"plain words number 4,neg', 'a disk of 5",pos'
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["text,label", *rows]) + "\n")
    told = Rows(skip=True)
    found = read_file(path, told, Recipe())
    assert (len(found), told.skipped) == (39, 1)
    assert found[29] == TextLabel('a disk of 5"', "pos", f"{path}:32")


def write(path: Path, rows: list[str]) -> Path:
    path.write_text("".join(row + "\n" for row in rows))
    return path


def test_a_word_alone_makes_no_header(tmp_path: Path) -> None:
    topics = ("news", "sport", "title")
    rows = [f"{topics[i % 3]},They met again on day {i}" for i in range(30)]
    found = pairs(write(tmp_path / "topics.csv", rows))
    assert len(found) == 30
    assert found[0] == ("They met again on day 0", "news")
    rows = [f"{('text', 'label')[i % 2]}\tThey met again on day {i}" for i in range(30)]
    assert pairs(write(tmp_path / "kinds.tsv", rows))[1] == ("They met again on day 1", "label")
    rows = [f"{('review', 'question')[i % 2]},{i},They met on day {i}" for i in range(30)]
    found = pairs(write(tmp_path / "head.csv", ["content,label,body", *rows]))
    assert found[0] == ("They met on day 0", "review")


@pytest.mark.parametrize(
    "header",
    [
        "v1,v2",
        "0,1",
        "Rating?,What did you like about our house?",
        "Bewertung,Text der Bewertung",
        ",",
        "x,x",
    ],
)
def test_a_header_with_any_names(tmp_path: Path, header: str) -> None:
    rows = [f"{('bad', 'good')[i % 2]},They met again on day {i}" for i in range(30)]
    if header[0] in ",R":
        rows = [f"{i % 2 + 3},They met again on day {i}" for i in range(30)]
    found = pairs(write(tmp_path / "rows.csv", [header, *rows]))
    assert len(found) == 30
    assert found[0][0] == "They met again on day 0"


def test_a_header_that_comes_again_is_a_bad_row(tmp_path: Path) -> None:
    rows = [f"{i % 2},They met again on day {i}" for i in range(30)]
    path = write(tmp_path / "rows.csv", ["label,text", *rows, "label,text", *rows])
    with pytest.raises(DataError, match=r"rows\.csv:32: repeats the header"):
        pairs(path)


def test_columns_of_one_value_or_nearly_none_are_no_labels(tmp_path: Path) -> None:
    rows = [
        f"{i},EN,{('neutral', 'positive')[i % 2]},{'positive' if i == 7 else ''},They met on {i}"
        for i in range(40)
    ]
    path = write(tmp_path / "rows.csv", ["id,class,airline_sentiment,sentiment,text", *rows])
    assert {label for _, label in pairs(path)} == {"positive", "neutral"}
    path = write(tmp_path / "same.csv", [f"They met on day {i},x,y" for i in range(20)])
    with pytest.raises(DataError, match=r"has no column that can be the label .*--label-column"):
        pairs(path)


def test_all_files_of_a_run_have_the_same_columns(tmp_path: Path) -> None:
    for part in ("train", "dev", "test"):
        rows = [f"{i % 2},{(i % 2) * (part == 'train')},They met on {i}" for i in range(30)]
        write(tmp_path / f"{part}.csv", ["useful,right,said", *rows])
    splits = read(Recipe(data=str(tmp_path), text_column="said", label_column="2"))
    assert {row.label for row in splits.test} == {"0"}
    write(tmp_path / "train.csv", [f"They met on {i},{i % 3},{i % 2}" for i in range(30)])
    write(tmp_path / "test.csv", [f"They met on {i},{i % 2},1" for i in range(30)])
    write(tmp_path / "dev.csv", [f"They met on {i},{i % 2},1" for i in range(30)])
    splits = read(Recipe(data=str(tmp_path)))
    assert {row.label for row in splits.train} == {"0", "1"}
    assert {row.label for row in splits.test} == {"1"}


@pytest.mark.parametrize(
    ("value", "label"),
    [
        ("1", "1"),
        ("1.0", "1"),
        ('"1.0"', "1"),
        ("-2.0", "-2"),
        ("1.5", "1.5"),
        ("true", "true"),
        ('"TRUE"', "true"),
        ('"NA"', "NA"),
        ('"none"', "none"),
        ('"caf\\u0065\\u0301"', "caf\u00e9"),
        ("NaN", None),
        ("null", None),
        ('" "', None),
        ('"nan"', None),
        ('"None"', None),
    ],
)
def test_labels_of_json(tmp_path: Path, value: str, label: str | None) -> None:
    lines = [f'{{"text": "text {i}", "label": {value if i else 0}}}' for i in range(2)]
    path = write(tmp_path / "rows.jsonl", lines)
    if label is None:
        with pytest.raises(DataError, match=r"rows\.jsonl:2: has no label in column 'label'"):
            pairs(path)
    else:
        assert pairs(path)[1] == ("text 1", label)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"text": {"a": 1}, "label": 1}', "holds an object, .* in column 'text'"),
        ('{"text": "a", "label": [1]}', "holds an array, .* in column 'label'"),
        ('{"text": "a \\ud800", "label": 1}', "holds half of a character .* in column 'text'"),
        ('{"text": "a", "label": "\\udc00"}', "holds half of a character .* in column 'label'"),
        ('{"text": NaN, "label": 1}', "has no text in column 'text'"),
    ],
)
def test_cells_of_json_that_cannot_be_used(tmp_path: Path, line: str, reason: str) -> None:
    usable = '{"text": "a \\ud83d\\ude00", "label": 0}', '{"text": 3, "label": 1}'
    path = write(tmp_path / "rows.jsonl", [*usable, line])
    with pytest.raises(DataError, match=rf"rows\.jsonl:3: {reason}"):
        pairs(path)
    write(path, list(usable))
    assert pairs(path) == [("a \U0001f600", "0"), ("3", "1")]


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


def test_long_values_are_told_apart_without_being_kept() -> None:
    column = Column()
    for i in range(30):
        column.add("so " * 2000 + str(i % 20))
    assert (column.different, column.repeats) == (20, False)
    assert sum(map(len, column.values)) < 20 * 30
