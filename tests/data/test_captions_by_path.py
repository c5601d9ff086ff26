"""Captions find their pictures by the paths that the file has for them."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from PIL import Image

from recurra.cli import main
from recurra.data.readers.caption_files import Columns, read_captions
from recurra.data.readers.captions import CaptionedImage, read
from recurra.data.readers.text import Rows
from recurra.errors import DataError
from tests.every import Every as Recipe

COLOURS = {"red": (200, 0, 0), "green": (0, 200, 0), "blue": (0, 0, 200)}


def png(colour: str, number: int) -> bytes:
    file = BytesIO()
    red, green, blue = COLOURS[colour]
    Image.new("RGB", (2, 2), (red + number, green + number, blue + number)).save(file, "PNG")
    return file.getvalue()


def album(folder: Path, names: list[str] | None = None) -> list[tuple[str, str]]:
    """Write a picture of each colour and number; return their paths and captions."""
    rows = []
    for colour in COLOURS:
        for number in range(6):
            name = f"{colour}/{number}.png"
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(png(colour, number))
            rows.append((name, f"a {colour} square"))
    return rows


def table(path: Path, rows: list[tuple[str, str]], header: str = "image,caption\n") -> Path:
    path.write_text(header + "".join(f"{name},{text}\n" for name, text in rows))
    return path


def every(data: str, **fields: Any) -> list[CaptionedImage]:
    splits = read(Recipe(data=data, **fields), size=2)
    return [row for part in splits.parts for row in part]


def right(rows: list[CaptionedImage], count: int = 18) -> None:
    """Check that each picture has its own colour's caption, and no other's."""
    assert len(rows) == count
    for row in rows:
        seen = max(COLOURS, key=lambda name: row.image[0, 0][list(COLOURS).index(name)])
        assert row.captions == [f"a {seen} square"]


@pytest.mark.parametrize("kind", ["csv", "json", "token.txt"])
@pytest.mark.parametrize("place", ["pictures", ".", "zip"])
def test_one_name_in_several_folders(kind: str, place: str, tmp_path: Path) -> None:
    rows = album(tmp_path / place)
    if place == "zip":
        with ZipFile(tmp_path / "all.zip", "w") as archive:
            for name, _ in rows:
                archive.write(tmp_path / place / name, f"Images/{name}")
                archive.writestr(f"__MACOSX/Images/{name}", b"no picture")
                (tmp_path / place / name).unlink()
    if kind == "csv":
        table(tmp_path / "captions.csv", rows)
    elif kind == "json":
        pictures = [{"id": n, "file_name": name} for n, (name, _) in enumerate(rows)]
        notes = [{"image_id": n, "caption": text} for n, (_, text) in enumerate(rows)]
        whole = {"images": pictures, "annotations": notes}
        (tmp_path / "captions.json").write_text(json.dumps(whole))
    else:
        text = "".join(f"{name}#0\t{text}\n" for name, text in rows)
        (tmp_path / "captions.token.txt").write_text(text)
    right(every(str(tmp_path)))


WRITTEN = {
    "dots": lambda name: f"./{name}",
    "backslashes": lambda name: name.replace("/", "\\"),
    "leading slash": lambda name: f"/{name}",
    "absolute": lambda name: f"/somewhere/else/pictures/{name}",
    "drive": lambda name: "C:\\data\\pictures\\" + name.replace("/", "\\"),
    "longer": lambda name: f"pictures/{name}",
    "capitals": lambda name: name.upper(),
    "blanks": lambda name: f" {name} ",
}


@pytest.mark.parametrize("way", WRITTEN)
def test_a_path_in_every_way(way: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = album(tmp_path / "pictures")
    table(tmp_path / "a.csv", [(WRITTEN[way](name), text) for name, text in rows])
    right(every(f"{tmp_path / 'pictures'},{tmp_path / 'a.csv'}"))
    right(every(str(tmp_path)))
    told = capsys.readouterr().err
    assert ("'RED/0.PNG' is taken for red/0.png" in told) == (way == "capitals")


def test_a_bare_name_where_it_is_unique(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for i, colour in enumerate([*COLOURS] * 6):
        path = tmp_path / "pictures" / colour / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(colour, i))
    names = [f"{i}.png" for i in range(18)]
    rows = [
        (name, f"a {colour} square") for name, colour in zip(names, [*COLOURS] * 6, strict=True)
    ]
    table(tmp_path / "a.csv", rows)
    right(every(str(tmp_path)))
    table(tmp_path / "a.csv", [(f"old/{name}", text) for name, text in rows])
    right(every(str(tmp_path)))
    assert "'old/0.png' is taken for pictures/red/0.png" in capsys.readouterr().err
    table(tmp_path / "a.csv", [(name.removesuffix(".png"), text) for name, text in rows])
    with pytest.raises(DataError, match=r"no column has files of pictures.*image_column names one"):
        every(str(tmp_path))
    right(every(str(tmp_path), image_column="image"))
    right(every(str(tmp_path), image_column="1"))


def test_a_name_that_means_several_pictures(tmp_path: Path) -> None:
    rows = album(tmp_path / "pictures")
    table(tmp_path / "a.csv", [*rows, ("3.png", "a red square")])
    error = r"a\.csv:20: '3\.png' means 3 pictures, pictures/blue/3\.png and pictures/green/3\.png"
    with pytest.raises(DataError, match=error):
        every(str(tmp_path))
    right(every(str(tmp_path), skip_bad_rows=True))
    run = ["train", "image_captioning", "--data", str(tmp_path), "--out", str(tmp_path / "run")]
    assert main(run) == 2


def test_two_paths_that_would_be_one_picture(tmp_path: Path) -> None:
    rows = album(tmp_path / "pictures")
    for number in range(6):
        for colour in ("red", "blue"):
            (tmp_path / f"pictures/{colour}/{number}.png").unlink()
        (tmp_path / f"pictures/green/{number}.png").rename(tmp_path / f"pictures/{number}.png")
    table(tmp_path / "a.csv", rows)
    with pytest.raises(DataError, match=r"'red/0\.png' and 'green/0\.png' would both be"):
        every(f"{tmp_path / 'pictures'},{tmp_path / 'a.csv'}")


def test_a_picture_of_another_folder_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = album(tmp_path / "pictures")
    for path in (tmp_path / "pictures" / "red").iterdir():
        path.unlink()
    table(tmp_path / "a.csv", rows)
    right(every(str(tmp_path)), 12)
    assert "6 captions have no picture" in capsys.readouterr().err
    table(tmp_path / "a.csv", [(f"red/{i}9.png", "a red square") for i in range(9)])
    with pytest.raises(DataError, match=r"a\.csv:2: names pictures as 'red/09\.png', and none"):
        every(str(tmp_path))


def test_lists_of_parts_know_paths(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = album(tmp_path / "pictures")
    table(tmp_path / "captions.csv", rows)
    for part, colour in [("train", "red"), ("dev", "green"), ("test", "blue")]:
        names = [name for name, _ in rows if name.startswith(colour)]
        (tmp_path / f"{part}_images.txt").write_text("\n".join([*names, "nowhere.png"]))
    splits = read(Recipe(data=str(tmp_path)), size=2)
    assert [[row.captions[0] for row in part] for part in splits.parts] == [
        [f"a {colour} square"] * 6 for colour in COLOURS
    ]
    assert "train_images.txt: 1 of 7 have no picture or no caption" in capsys.readouterr().err


def test_capitals_alone_tell_two_pictures_apart(tmp_path: Path) -> None:
    rows = []
    for number in range(6):
        for name, colour in [(f"a{number}.png", "red"), (f"A{number}.png", "blue")]:
            (tmp_path / "pictures").mkdir(exist_ok=True)
            (tmp_path / "pictures" / name).write_bytes(png(colour, number))
            rows.append((name, f"a {colour} square"))
    if len(list((tmp_path / "pictures").iterdir())) < 12:
        pytest.skip("this file system knows no capitals")
    table(tmp_path / "a.csv", rows)
    right(every(str(tmp_path)), 12)
    table(tmp_path / "a.csv", [*rows, ("a0.PNG", "a red square")])
    with pytest.raises(DataError, match=r"'a0\.PNG' means 2 pictures"):
        every(str(tmp_path))


TABLES = {
    "caption,image\na cat,1.jpg\na dog,2.jpg\n": ({}, None),
    "1.jpg,a cat\n2.jpg,a dog\n": ({}, None),
    "id,file,width,caption\n1,1.jpg,9,a cat\n2,2.jpg,9,a dog\n": ({}, "column file, captions in"),
    "1,1.jpg,a cat\n2,2.jpg,a dog\n": ({"text_column": "3"}, "column 2, captions in column 3"),
    "img,big,words\n1.jpg,b1.jpg,a cat\n2.jpg,b2.jpg,a dog\n": (
        {"image_column": "img", "text_column": "Words"},
        "column img, captions in column words",
    ),
    "image_id,caption\n1,a cat\n2,a dog\n": ({"image_column": "1"}, "column image_id"),
    "1,a cat\n2,a dog\n": ({"image_column": "1"}, "pictures are in column 1"),
    "what,says\n1.jpg,a cat\n2.jpg,a dog\n": ({}, "taken for the columns' names: what, says"),
}


@pytest.mark.parametrize("content", TABLES)
def test_columns_in_every_order(
    content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named, told = TABLES[content]
    (tmp_path / "a.csv").write_text(content)
    found = read_captions(tmp_path / "a.csv", Rows(), Columns(**named))
    assert [(c.picture.removesuffix(".jpg"), c.text) for c in found] == [
        ("1", "a cat"),
        ("2", "a dog"),
    ]
    said = capsys.readouterr().err
    assert told is None or told in said


@pytest.mark.parametrize(
    ("content", "named", "reason"),
    [
        ("a,b,c\n1.jpg,x,y\n2.jpg,x,y\n", {}, r"has 3 columns \(a, b, c\); text_column names"),
        ("1.jpg,2.jpg,x\n1.jpg,2.jpg,x\n", {}, "several columns have files of pictures"),
        ("x,y\n1.jpg,a\n", {"image_column": "z"}, "has columns x, y, or 1 to 2; none of them is"),
        ("x,y\n1.jpg,a\n", {"image_column": "3"}, "none of them is image_column '3'"),
    ],
)
def test_columns_that_cannot_be_told(
    content: str, named: dict[str, str], reason: str, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(DataError, match=reason):
        read_captions(tmp_path / "a.csv", Rows(), Columns(**named))


def test_columns_of_what_is_no_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.txt").write_text("1.jpg#0\ta cat\n")
    assert read_captions(tmp_path / "a.txt", Rows(), Columns("1"))[0].text == "a cat"
    assert "a.txt: is no table; image_column and text_column are of no" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("annotation", "reason"),
    [
        ({"caption": None}, "has None for a caption"),
        ({"caption": ["a cat"]}, r"has \['a cat'\] for a caption"),
        ({"caption": float("nan")}, "has nan for a caption"),
        ({"caption": "\ud83d cat"}, "half a character"),
        ({"caption": "a cat", "image_id": 2}, "image_id 2 has several file names"),
        ({"caption": "a cat", "image_id": [1]}, "lacks a known image_id"),
    ],
    ids=str,
)
def test_annotations_that_are_wrong(
    annotation: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    pictures = [(1, "1.jpg"), (2, "2.jpg"), (2, "3.jpg")]
    whole = {
        "images": [{"id": n, "file_name": name} for n, name in pictures],
        "annotations": [{"image_id": 1, "caption": "good"}, {"image_id": 1, **annotation}],
    }
    path = tmp_path / "a.json"
    path.write_text(json.dumps(whole))
    with pytest.raises(DataError, match=rf"a\.json:2: .*{reason}"):
        read_captions(path, Rows())
    rows = Rows(skip=True)
    assert [c.text for c in read_captions(path, rows)] == ["good"]
    assert rows.skipped == 1
    path.write_text(json.dumps({**whole, "annotations": None}))
    with pytest.raises(DataError, match="is not COCO captions"):
        read_captions(path, Rows())


@pytest.mark.parametrize("before", ["", "elsewhere/"])
def test_the_whole_path_counts_before_a_part_of_it(before: str, tmp_path: Path) -> None:
    home = tmp_path / "pictures"
    (home / "in").mkdir(parents=True)
    rows = []
    for number in range(6):
        for name, colour in [(f"{number}.png", "red"), (f"in/{number}.png", "blue")]:
            (home / name).write_bytes(png(colour, number))
            rows.append((before + name, f"a {colour} square"))
    table(tmp_path / "a.csv", rows)
    right(every(f"{home},{tmp_path / 'a.csv'}"), 12)


def test_accents_in_either_form_and_endings_that_differ(tmp_path: Path) -> None:
    rows = album(tmp_path / "pictures")
    for path in list((tmp_path / "pictures/red").iterdir()):
        path.rename(path.with_name(f"e\u0301{path.name}"))
    rows = [(name.replace("red/", "red/\u00e9"), text) for name, text in rows]
    table(tmp_path / "a.csv", [*rows, ("green/0.jpg", "another picture")])
    right(every(str(tmp_path)))


def test_a_caption_may_end_like_a_picture(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1.jpg,a cat\n2.jpg,see 1.jpg\n3.jpg,a dog\n4.jpg,a hen\n")
    assert len(read_captions(tmp_path / "a.csv", Rows())) == 4
