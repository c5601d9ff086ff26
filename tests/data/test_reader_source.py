"""Where parts come from, and what is wrong with text files in general."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from recurra.data.readers import tabular
from recurra.data.readers.source import part_of
from recurra.data.readers.text import LONGEST_ROW, Rows, lines
from recurra.errors import DataError
from tests.every import Every as Recipe


def table(path: Path, texts: list[str]) -> Path:
    rows = [f"{text}\t{'good' if i % 2 else 'bad'}" for i, text in enumerate(texts)]
    path.write_text("\n".join(["text\tlabel", *rows]) + "\n")
    return path


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("train.tsv", "train"),
        ("eng.testa.gz", "valid"),
        ("eng.testb.gz", "test"),
        ("wnut17train.conll", "train"),
        ("emerging.dev.conll", "valid"),
        ("t10k-images-idx3-ubyte.gz", "test"),
        ("test_2016_flickr.de.gz", "test"),
        ("VALIDATION", "valid"),
        ("contest.tsv", None),
        ("constraints.txt", None),
    ],
    ids=str,
)
def test_the_part_is_told_by_the_name(name: str, part: str | None) -> None:
    assert part_of(name) == part


def test_one_file_is_split_by_content(tmp_path: Path) -> None:
    path = table(tmp_path / "all.tsv", [f"text {i // 2}" for i in range(200)])
    splits = tabular.read(Recipe(data=str(path)))
    assert [len(part) for part in splits.parts] == [160, 20, 20]
    texts = [{row.text for row in part} for part in splits.parts]
    assert len(set.union(*texts)) == sum(map(len, texts))
    assert splits == tabular.read(Recipe(data=str(path)))
    assert splits != tabular.read(Recipe(data=str(path), seed=1))


def test_every_label_of_a_split_file_is_in_training(tmp_path: Path) -> None:
    path = tmp_path / "all.tsv"
    path.write_text("text\tlabel\n" + "".join(f"text {i}\tlabel {i // 2}\n" for i in range(40)))
    for seed in range(5):
        splits = tabular.read(Recipe(data=str(path), seed=seed))
        assert {row.label for row in splits.train} == {f"label {i}" for i in range(20)}


def test_only_the_missing_part_is_split_off(tmp_path: Path) -> None:
    table(tmp_path / "train.tsv", [f"text {i}" for i in range(100)])
    table(tmp_path / "test.tsv", ["a", "b"])
    splits = tabular.read(Recipe(data=str(tmp_path)))
    assert [len(part) for part in splits.parts] == [90, 10, 2]


def test_named_files_come_first(tmp_path: Path) -> None:
    for name in ("train", "dev", "test", "other"):
        table(tmp_path / f"{name}.tsv", [f"{name} {i}" for i in range(4)])
    splits = tabular.read(Recipe(data=str(tmp_path), test=str(tmp_path / "other.tsv")))
    assert [part[0].text for part in splits.parts] == ["train 0", "dev 0", "other 0"]


def test_a_folder_with_one_file_is_that_file(tmp_path: Path) -> None:
    table(tmp_path / "reviews.tsv", [f"text {i}" for i in range(20)])
    (tmp_path / "README.txt").write_text("about")
    assert len(tabular.read(Recipe(data=str(tmp_path))).train) == 16


def write_empty(path: Path) -> None:
    path.write_bytes(b"")


def write_empty_gzip(path: Path) -> None:
    path.write_bytes(gzip.compress(b""))


def write_binary(path: Path) -> None:
    path.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")


def write_cut_gzip(path: Path) -> None:
    path.write_bytes(gzip.compress(b"text\tlabel\n" * 5000)[:60])


def write_folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (write_empty, "is empty"),
        (write_empty_gzip, "is empty"),
        (write_binary, "is not text"),
        (write_cut_gzip, "cannot be read"),
        (write_folder, "is a folder; a file is needed here"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_file_that_cannot_be_used(
    tmp_path: Path, write: Callable[[Path], None], reason: str
) -> None:
    write(tmp_path / "rows.tsv")
    with pytest.raises(DataError, match=reason) as caught:
        list(lines(tmp_path / "rows.tsv", Rows()))
    assert str(caught.value).startswith(f"{tmp_path / 'rows.tsv'}: ")
    assert "\n" not in str(caught.value)


def test_a_missing_file_suggests_its_neighbours(tmp_path: Path) -> None:
    table(tmp_path / "train.tsv", ["a", "b"])
    with pytest.raises(DataError, match=r"trian\.tsv: is missing; did you mean train\.tsv\?"):
        tabular.read(Recipe(data=str(tmp_path / "trian.tsv")))
    with pytest.raises(DataError, match="is missing, and so is its folder"):
        tabular.read(Recipe(data=str(tmp_path / "nowhere" / "train.tsv")))


def test_a_folder_without_training_file_lists_what_it_has(tmp_path: Path) -> None:
    table(tmp_path / "one.tsv", ["a"])
    table(tmp_path / "two.tsv", ["b"])
    with pytest.raises(DataError, match=r"no training file .*one\.tsv, two\.tsv"):
        tabular.read(Recipe(data=str(tmp_path)))


def test_two_training_files_are_not_guessed_between(tmp_path: Path) -> None:
    table(tmp_path / "train.tsv", ["a"])
    table(tmp_path / "train.csv", ["b"])
    with pytest.raises(DataError, match=r"several train files \(train\.csv, train\.tsv\)"):
        tabular.read(Recipe(data=str(tmp_path)))


def test_too_few_rows_to_split(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="2 different examples; too few to split"):
        tabular.read(Recipe(data=str(table(tmp_path / "a.tsv", ["a", "b"]))))


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"caf\xe9\tgood", r"is not UTF-8 \(byte 0xe9\)"),
        (b"x" * (LONGEST_ROW + 1), "has over 100,000 characters"),
        (b"x" * (9 * LONGEST_ROW), "has over 100,000 characters"),
        (b"a\0b", "holds a NUL character"),
    ],
    ids=["latin-1", "long", "huge", "nul"],
)
def test_a_bad_line_is_named_or_skipped(tmp_path: Path, bad: bytes, reason: str) -> None:
    path = tmp_path / "rows.txt"
    path.write_bytes(b"first\r\n" + b"y" * 20_000 + b"\n" + bad + b"\nlast")
    with pytest.raises(DataError, match=rf"rows\.txt:3: {reason}"):
        list(lines(path, Rows(encoding="utf-8")))
    rows = Rows(skip=True, encoding="utf-8")
    assert [(row, line[:5]) for row, line in lines(path, rows)] == [
        (1, "first"),
        (2, "yyyyy"),
        (4, "last"),
    ]
    assert rows.skipped == 1


def test_gzip_and_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "rows.gz"
    path.write_bytes(gzip.compress("\ufeffünï\ncode\n".encode()))
    assert list(lines(path, Rows())) == [(1, "ünï"), (2, "code")]


def test_five_bad_rows_are_told_and_all_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = table(tmp_path / "train.tsv", [f"text {i}" for i in range(40)])
    with path.open("a") as file:
        file.write("no label\n" * 8)
    splits = tabular.read(Recipe(data=str(path), skip_bad_rows=True))
    told = capsys.readouterr().err.splitlines()
    assert splits.skipped == 8
    assert sum("where 2 are expected" in line for line in told) == 5
    assert f"skipped {path}:42: has 1 columns where 2 are expected" in told
    assert "skipped 8 bad rows in all" in told
    with pytest.raises(DataError, match=r"train\.tsv:42: .*skip_bad_rows goes on past it"):
        tabular.read(Recipe(data=str(path)))


def test_nothing_is_said_of_a_split_that_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = str(table(tmp_path / "few.tsv", ["one", "two"]))
    with pytest.raises(DataError, match="too few to split: give more rows"):
        tabular.read(Recipe(data=data))
    assert "split off" not in capsys.readouterr().err


def test_one_of_several_processes_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = str(table(tmp_path / "rows.tsv", [f"text {i}" for i in range(30)]))
    for rank, told in [("0", 1), ("1", 0)]:
        monkeypatch.setenv("RANK", rank)
        tabular.read(Recipe(data=data))
        assert capsys.readouterr().err.count("split off, 10% each") == told
