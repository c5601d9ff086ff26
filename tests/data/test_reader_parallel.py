"""Sentence pairs from two files, a folder, or a table."""

import gzip
import json
from pathlib import Path

import pytest

from recurra.data.readers.parallel import Pair, languages, read, read_files
from recurra.data.readers.text import Rows
from recurra.errors import DataError
from tests.every import Every as Recipe


def folder(path: Path, suffixes: tuple[str, ...] = ("en", "de")) -> Path:
    for part in ("train", "val", "test_2016_flickr"):
        for suffix in suffixes:
            content = "".join(f"{part} {suffix} {i}\n" for i in range(3))
            (path / f"{part}.{suffix}.gz").write_bytes(gzip.compress(content.encode()))
    (path / "README.md").write_text("about")
    return path


def test_a_folder_of_languages_goes_in_alphabetical_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = Recipe(data=str(folder(tmp_path)))
    splits = read(recipe)
    assert splits.train[1] == Pair("train de 1", "train en 1", f"{tmp_path}/train.de.gz:2")
    assert [part[0].target for part in splits.parts[1:]] == ["val en 0", "test_2016_flickr en 0"]
    assert "de → en" in capsys.readouterr().err
    assert languages(recipe) == ("de", "en")


def test_the_recipe_turns_it_round(tmp_path: Path) -> None:
    recipe = Recipe(data=str(folder(tmp_path)), source="en")
    assert read(recipe).train[0][:2] == ("train en 0", "train de 0")
    assert languages(recipe) == ("en", "de")
    with pytest.raises(DataError, match="no files in 'fr'"):
        read(Recipe(data=str(tmp_path), target="fr"))


def test_three_languages_must_be_chosen_from(tmp_path: Path) -> None:
    path = folder(tmp_path, ("en", "de", "fr"))
    with pytest.raises(DataError, match="languages de, en, fr; name source and target"):
        read(Recipe(data=str(path)))
    assert read(Recipe(data=str(path), source="fr", target="en")).test[0].source.endswith("fr 0")


def test_one_language_of_a_part_is_missing(tmp_path: Path) -> None:
    (folder(tmp_path) / "val.de.gz").unlink()
    with pytest.raises(DataError, match=r"needs one valid file in 'de' \(found: none\)"):
        read(Recipe(data=str(tmp_path)))


def test_two_files(tmp_path: Path) -> None:
    for side in ("en", "de"):
        content = "".join(f"{side} {i}\n" for i in range(40))
        (tmp_path / f"all.{side}").write_text(content)
    recipe = Recipe(data=f"{tmp_path}/all.en,{tmp_path}/all.de")
    splits = read(recipe)
    assert [len(part) for part in splits.parts] == [32, 4, 4]
    assert all(pair.source[3:] == pair.target[3:] for part in splits.parts for pair in part)
    assert languages(recipe) == ("en", "de")


def test_line_counts_must_match(tmp_path: Path) -> None:
    a, b = tmp_path / "a.en", tmp_path / "b.de"
    a.write_text("one\ntwo\nthree\n")
    b.write_text("eins\nzwei")
    with pytest.raises(DataError, match=r"a\.en: has 3 lines but b\.de has 2"):
        read_files(a, b, Rows())


def test_bad_lines_do_not_shift_the_others(tmp_path: Path) -> None:
    a, b = tmp_path / "a.en", tmp_path / "b.de"
    a.write_bytes(b"one\n\xff\nthree\n\nfive\n")
    b.write_bytes(b"eins\nzwei\n \nvier\n\xff")
    rows = Rows(skip=True, encoding="utf-8")
    assert read_files(a, b, rows) == [Pair("one", "eins", f"{a}:1")]
    assert rows.skipped == 4
    a.write_text("one\n\n")
    b.write_text("eins\nzwei\n")
    with pytest.raises(DataError, match=r"a\.en:2: has an empty source sentence"):
        read_files(a, b, Rows())
    with pytest.raises(DataError, match=r"a\.en:2: has an empty target sentence"):
        read_files(b, a, Rows())


@pytest.mark.parametrize(
    ("header", "fields", "first"),
    [
        ("", {}, ("a 0", "b 0")),
        ("en\tfr\n", {}, ("a 0", "b 0")),
        ("en\tfr\n", {"source": "fr"}, ("b 0", "a 0")),
        ("english\tfrench\n", {"target": "english"}, ("b 0", "a 0")),
    ],
    ids=["bare", "codes", "turned", "named"],
)
def test_a_table(tmp_path: Path, header: str, fields: dict[str, str], first: tuple[str]) -> None:
    path = tmp_path / "train.tsv"
    path.write_text(header + "".join(f"a {i}\tb {i}\n" for i in range(20)))
    splits = read(Recipe(data=str(path), **fields))
    everything = sorted(pair[:2] for part in splits.parts for pair in part)
    assert (everything[0], len(everything)) == (first, 20)


def test_a_table_with_wrong_rows(tmp_path: Path) -> None:
    path = tmp_path / "train.tsv"
    path.write_text("a\tb\nc\n")
    with pytest.raises(DataError, match=r"train\.tsv:2: has 1 columns where 2 are expected"):
        read(Recipe(data=str(path)))
    path.write_text("a b\tc\nd\t \n")
    with pytest.raises(DataError, match=r"train\.tsv:2: has an empty target sentence"):
        read(Recipe(data=str(path)))
    with pytest.raises(DataError, match="no header with 'xx'; give a column's number, 1 to 2"):
        read(Recipe(data=str(path), source="xx"))


EN = [f"They {verb} again on day {i}." for i, verb in enumerate(["met", "sang", "ran", "ate"] * 10)]
DE = [f"Am Tag {i} haben sie wieder {verb}." for i, verb in enumerate(["gelacht", "gesungen"] * 20)]


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("", "{en}\t{de}\tCC-BY 2.0 (France) Attribution: tatoeba.org #28{i} (CM) & #11{i} (Ann)"),
        ("", "{i}\t{en}\t77{i}\t{de}"),
        ("", "{i}\teng\t{en}\t77{i}\tdeu\t{de}"),
        ("", "1.0{i}\t{en}\t{de}"),
        ("", "https://a.example/en/{i}/day\t{en}\thttps://a.example/de/{i}/tag\t{de}"),
        ("", "{en}\t{de}\t0.9{i}"),
        ("", "{en}\t{de}\t"),
        ("id\ten\tde\tscore\n", "{i}\t{en}\t{de}\t0.{i}"),
        ("en-GB\tde\n", "{en}\t{de}"),
        ("English words/sentences\tGerman words/sentences\n", "{en}\t{de}"),
        ("Source\tTarget\n", "{en}\t{de}"),
        ("#\tleft\tright\n", "{i}\t{en}\t{de}"),
        ("", "{en}, so ||| {de}, ja"),
        ("", "{en}|||{de}"),
    ],
)
@pytest.mark.parametrize("ending", ["tsv", "csv"])
def test_two_columns_of_sentences_among_others(
    tmp_path: Path, header: str, row: str, ending: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"pairs.{ending}"
    rows = (
        row.format(i=10 + i, en=en, de=de) for i, (en, de) in enumerate(zip(EN, DE, strict=True))
    )
    content = header + "".join(f"{line}\n" for line in rows)
    path.write_text(content if ending == "tsv" else content.replace("\t", ","))
    splits = read(Recipe(data=str(path)))
    found = sorted(pair[:2] for part in splits.parts for pair in part)
    added = (", so", ", ja") if "so" in row else ("", "")
    assert found == sorted((en + added[0], de + added[1]) for en, de in zip(EN, DE, strict=True))
    told = capsys.readouterr().err.splitlines()[0]
    assert ("header in row 1" if header else "no header") in told
    assert told.endswith("(--source, --target)")


def test_sides_by_number_and_repeated_name(tmp_path: Path) -> None:
    path = tmp_path / "pairs.tsv"
    path.write_text(
        "".join(f"{i}\t{en}\t{i}\t{de}\n" for i, (en, de) in enumerate(zip(EN, DE, strict=True)))
    )
    assert read(Recipe(data=str(path), source="4", target="2")).train[0][:2] == (DE[0], EN[0])
    assert read(Recipe(data=str(path), source="4")).train[0][:2] == (DE[0], EN[0])
    assert read(Recipe(data=str(path), target="2")).train[0][:2] == (DE[0], EN[0])
    with pytest.raises(DataError, match="column 2 cannot be both source and target"):
        read(Recipe(data=str(path), source="2", target="2"))


def test_a_short_first_sentence_is_no_header(tmp_path: Path) -> None:
    path = tmp_path / "pairs.tsv"
    for first in ("Go\tVa", "hi\tsalut", "no\tnon", "Stop\tStopp", "to\tan"):
        rows = "".join(f"{en}\t{de}\n" for en, de in zip(EN, DE, strict=True))
        path.write_text(f"{first}\n{rows}")
        assert sum(map(len, read(Recipe(data=str(path))).parts)) == len(EN) + 1


def test_pairs_in_json(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    rows = [{"id": i, "de": de, "en": en} for i, (en, de) in enumerate(zip(EN, DE, strict=True))]
    path.write_text("\n".join(map(json.dumps, rows)))
    assert read(Recipe(data=str(path), source="en")).train[0][:2] == (EN[0], DE[0])
    path.write_text("\n".join(json.dumps({"translation": row, "id": 1}) for row in rows))
    assert read(Recipe(data=str(path), source="en")).train[0][:2] == (EN[0], DE[0])
    path.write_text(json.dumps({"de": "a", "en": ["b"]}) + "\n" + json.dumps(rows[0]))
    with pytest.raises(DataError, match=r"pairs\.jsonl:1: holds an array.* in column 'en'"):
        read(Recipe(data=str(path)))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_blank_lines_and_tabs_in_two_files(tmp_path: Path, end: str) -> None:
    a, b = tmp_path / "a.en", tmp_path / "b.de"
    a.write_bytes(end.join(["one\tand", "", "three", "four"]).encode())
    b.write_bytes(end.join(["eins", "", "drei", "vier", ""]).encode())
    assert [p[:2] for p in read_files(a, b, Rows())] == [
        ("one\tand", "eins"),
        ("three", "drei"),
        ("four", "vier"),
    ]
    b.write_bytes(end.join(["eins", "", "", "vier", ""]).encode())
    with pytest.raises(DataError, match=r"b\.de:3: has an empty target sentence"):
        read_files(a, b, Rows())


def test_a_list_of_three_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not two files; write source,target"):
        read(Recipe(data="a,b,c"))
