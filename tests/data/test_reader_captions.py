"""Pictures with captions."""

import json
import sys
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from PIL import Image

from recurra.data.readers.caption_files import read_captions
from recurra.data.readers.captions import read
from recurra.data.readers.text import Rows
from recurra.errors import DataError, MissingExtra
from tests.every import Every as Recipe


def jpeg(value: int) -> bytes:
    file = BytesIO()
    Image.new("RGB", (40, 30), (value, 0, 0)).save(file, "JPEG")
    return file.getvalue()


def flickr(path: Path, count: int = 20) -> Path:
    with ZipFile(path / "images.zip", "w") as archive:
        for i in range(count):
            archive.writestr(f"Images/{i}.jpg", jpeg(10 * i))
    rows = [f"{i}.jpg#{n}\tcaption {n} of {i} ." for i in range(count + 1) for n in range(2)]
    (path / "captions.token.txt").write_text("\n".join(rows))
    return path


def test_flickr_with_lists(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flickr(tmp_path)
    for part, names in [("train", range(9)), ("dev", [9, 20]), ("test", [10, 11])]:
        names_of = "".join(f"{name}.jpg\n" for name in names)
        (tmp_path / f"Flickr_8k.{part}Images.txt").write_text(names_of)
    splits = read(Recipe(data=str(tmp_path)), size=16)
    assert [len(part) for part in splits.parts] == [9, 1, 2]
    assert splits.skipped == 2
    assert "2 captions have no picture" in capsys.readouterr().err
    row = splits.test[1]
    assert row.captions == ["caption 0 of 11 .", "caption 1 of 11 ."]
    assert row.image.shape == (16, 16, 3)
    assert abs(int(row.image[..., 0].mean()) - 110) < 4
    assert row.where == f"{tmp_path}/captions.token.txt:23"


def test_without_lists_pictures_are_split(tmp_path: Path) -> None:
    splits = read(Recipe(data=str(flickr(tmp_path))))
    assert [len(part) for part in splits.parts] == [16, 2, 2]
    assert splits.train[0].image.shape == (64, 64, 3)


@pytest.mark.parametrize("ending", ["csv", "json"])
def test_a_folder_of_pictures_and_a_table(tmp_path: Path, ending: str) -> None:
    (tmp_path / "pictures").mkdir()
    for i in range(20):
        (tmp_path / "pictures" / f"{i}.jpg").write_bytes(jpeg(10 * i))
    path = tmp_path / f"captions.{ending}"
    if ending == "csv":
        path.write_text("image,caption\n" + "".join(f'{i}.jpg,"one, {i}"\n' for i in range(20)))
    else:
        images = [{"id": i + 100, "file_name": f"{i}.jpg"} for i in range(20)]
        notes = [{"image_id": i + 100, "caption": f"one, {i}"} for i in range(20)]
        path.write_text(json.dumps({"images": images, "annotations": notes}))
    splits = read(Recipe(data=f"{tmp_path / 'pictures'},{path}"))
    assert sorted(row.captions[0] for part in splits.parts for row in part) == sorted(
        f"one, {i}" for i in range(20)
    )
    found = read(Recipe(data=str(tmp_path)))  # the same, found in their folder
    assert [row.captions for row in found.train] == [row.captions for row in splits.train]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.txt", "1.jpg#0\tgood\n1.jpg no number\n", ":2: is not name.jpg#number"),
        ("a.txt", "1.jpg#0\tgood\n1.jpg#1\t \n", ":2: has an empty caption"),
        ("a.csv", "image,caption\n1.jpg,good\n1.jpg,a,b\n", ":3: has 3 columns where 2"),
        ("a.json", "{", ": is not JSON"),
        ("a.json", "[]", ": is not COCO captions"),
        ("a.json", '{"images": [], "annotations": [{"image_id": 4}]}', ":1: annotation lacks"),
        ("a.json", '{"images": [], "annotations": []}', ": holds no captions"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, name: str, content: str, reason: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(DataError) as caught:
        read_captions(path, Rows())
    assert str(caught.value).startswith(f"{path}{reason}")


def test_a_damaged_picture(tmp_path: Path) -> None:
    flickr(tmp_path)
    with ZipFile(tmp_path / "images.zip", "a") as archive:
        archive.writestr("Images/20.jpg", b"no picture")
    with pytest.raises(DataError, match=r"images\.zip/Images/20\.jpg: cannot be read as a picture"):
        read(Recipe(data=str(tmp_path)))
    assert read(Recipe(data=str(tmp_path), skip_bad_rows=True)).skipped == 1


def test_what_a_folder_lacks(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"needs one captions file.*found: none"):
        read(Recipe(data=str(tmp_path)))
    (tmp_path / "captions.csv").write_text("1.jpg,a\n")
    with pytest.raises(DataError, match="holds no pictures"):
        read(Recipe(data=str(tmp_path)))
    (tmp_path / "images.zip").write_text("no zip")
    with pytest.raises(DataError, match="neither a folder nor a zip"):
        read(Recipe(data=str(tmp_path)))
    with pytest.raises(DataError, match="is one file; give a folder, or pictures,captions"):
        read(Recipe(data=str(tmp_path / "captions.csv")))


def test_pillow_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(MissingExtra, match="pillow"):
        read(Recipe(data="."))
