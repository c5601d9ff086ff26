"""Labelled images from class folders, IDX files and NumPy archives."""

import gzip
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from recurra.data.readers.arrays import read_idx
from recurra.data.readers.images import open_image, read, read_path
from recurra.data.readers.text import Rows
from recurra.errors import DataError, MissingExtra
from tests.every import Every as Recipe


def picture(path: Path, value: int, size: tuple[int, int] = (6, 4), mode: str = "L") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value if mode == "L" else (value, 0, 0)).save(path)


def idx(path: Path, array: np.ndarray) -> None:
    codes = {"u1": 0x08, "f4": 0x0D}
    header = struct.pack(">HBB", 0, codes[array.dtype.str[1:]], array.ndim)
    header += struct.pack(f">{array.ndim}I", *array.shape)
    content = header + array.astype(array.dtype.newbyteorder(">")).tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def test_class_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for part in ("train", "val", "test"):
        for label, value in [("cat", 10), ("dog", 200)]:
            picture(tmp_path / part / label / "1.png", value)
    picture(tmp_path / "train" / "dog" / "2.png", 100, size=(12, 8))
    splits = read(Recipe(data=str(tmp_path)))
    assert [[row.label for row in part] for part in splits.parts] == [
        ["cat", "dog", "dog"],
        ["cat", "dog"],
        ["cat", "dog"],
    ]
    assert {row.image.shape for part in splits.parts for row in part} == {(4, 6, 1)}
    assert [int(row.image.mean()) for row in splits.train] == [10, 200, 100]
    assert splits.train[0].where.endswith("train/cat/1.png")
    assert "2 sizes are resized to 6×4" in capsys.readouterr().err


def test_one_folder_of_classes_is_split(tmp_path: Path) -> None:
    for i in range(40):
        picture(tmp_path / ("cat" if i % 2 else "dog") / f"{i}.png", i, mode="RGB")
    splits = read(Recipe(data=str(tmp_path)))
    assert [len(part) for part in splits.parts] == [32, 4, 4]
    assert splits.train[0].image.shape == (4, 6, 3)


def test_large_pictures_are_scaled_down(tmp_path: Path) -> None:
    picture(tmp_path / "cat" / "1.png", 10, size=(512, 256))
    assert read_path(tmp_path, Rows())[0].image.shape == (64, 128, 1)


def test_a_damaged_picture(tmp_path: Path) -> None:
    picture(tmp_path / "cat" / "1.png", 10)
    bad = tmp_path / "cat" / "2.png"
    bad.write_bytes((tmp_path / "cat" / "1.png").read_bytes()[:50])
    with pytest.raises(DataError, match=r"2\.png: cannot be read as a picture"):
        read_path(tmp_path, Rows())
    rows = Rows(skip=True)
    assert (len(read_path(tmp_path, rows)), rows.skipped) == (1, 1)


def test_a_folder_without_pictures(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    with pytest.raises(DataError, match="holds no folders with pictures"):
        read(Recipe(data=str(tmp_path)))


def test_idx_as_mnist_has_it(tmp_path: Path) -> None:
    images = np.arange(40 * 6, dtype=np.uint8).reshape(40, 3, 2)
    labels = (np.arange(40) % 4).astype(np.uint8)
    for part in ("train", "t10k"):
        idx(tmp_path / f"{part}-images-idx3-ubyte.gz", images)
        idx(tmp_path / f"{part}-labels-idx1-ubyte.gz", labels)
    splits = read(Recipe(data=str(tmp_path)))
    assert [len(part) for part in splits.parts] == [36, 4, 40]
    assert splits.test[1].image.tolist() == images[1][..., None].tolist()
    assert splits.test[7].label == "3"
    assert splits.test[7].where == f"{tmp_path}/t10k-images-idx3-ubyte.gz:8"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"text of some kind", "is not an IDX file"),
        (b"\0\0\x08", "is not an IDX file"),
        (b"\0\0\x08\x01" + struct.pack(">I", 9) + b"123", "is cut short: 3 of 9 bytes"),
        (b"\0\0\x0e\x02" + struct.pack(">II", 2**31, 2**31), "at most 4,294,967,296 are read"),
    ],
    ids=["text", "short", "cut", "huge"],
)
def test_what_is_no_idx(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(content)
    with pytest.raises(DataError, match=reason):
        read_idx(path)


def test_labels_beside_idx_images(tmp_path: Path) -> None:
    idx(tmp_path / "train-images-idx3-ubyte", np.zeros((3, 2, 2), np.uint8))
    with pytest.raises(DataError, match="train-labels-idx1-ubyte: is missing"):
        read(Recipe(data=str(tmp_path)))
    idx(tmp_path / "train-labels-idx1-ubyte", np.zeros(2, np.uint8))
    with pytest.raises(DataError, match=r"images of shape \(3, 2, 2\) and labels of shape \(2,\)"):
        read(Recipe(data=str(tmp_path)))


@pytest.mark.parametrize("names", [("x", "y"), ("images", "labels")], ids=str)
def test_a_numpy_archive(tmp_path: Path, names: tuple[str, str]) -> None:
    images = np.random.default_rng(0).normal(size=(30, 5, 4))
    labels = np.array(["cat", "dog", "owl"] * 10)
    np.savez(tmp_path / "all.npz", **dict(zip(names, (images, labels), strict=True)))
    splits = read(Recipe(data=str(tmp_path / "all.npz")))
    assert [len(part) for part in splits.parts] == [24, 3, 3]
    assert splits.train[0].image.shape == (5, 4, 1)
    assert splits.train[0].image.dtype == np.float32
    assert {row.label for row in splits.train} == {"cat", "dog", "owl"}


def test_a_numpy_archive_with_parts(tmp_path: Path) -> None:
    arrays = {}
    for part, count in [("train", 20), ("test", 6)]:
        arrays[f"x_{part}"] = np.arange(count * 12, dtype=np.uint8).reshape(count, 3, 2, 2)
        arrays[f"y_{part}"] = np.arange(count)[:, None] % 2
    np.savez(tmp_path / "all.npz", **arrays)
    splits = read(Recipe(data=str(tmp_path / "all.npz")))
    assert [len(part) for part in splits.parts] == [18, 2, 6]
    assert splits.test[0].image.shape == (2, 2, 3)  # channels were first
    assert splits.test[0].image[1, 0].tolist() == [2, 6, 10]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_not_finite(tmp_path: Path, value: float) -> None:
    images = np.zeros((20, 2, 2), np.float32)
    images += np.arange(20, dtype=np.float32)[:, None, None]
    images[6, 1, 1] = value
    np.savez(tmp_path / "all.npz", x=images, y=np.arange(20) % 2)
    with pytest.raises(DataError, match=r"all\.npz:7: .*not finite"):
        read(Recipe(data=str(tmp_path / "all.npz")))
    assert read(Recipe(data=str(tmp_path / "all.npz"), skip_bad_rows=True)).skipped == 1


def test_archives_that_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "all.npz"
    np.savez(path, x=np.array([{"a": 1}], dtype=object), y=np.zeros(1))
    with pytest.raises(DataError, match="cannot be read as a NumPy archive"):
        read(Recipe(data=str(path)))
    np.savez(path, a=np.zeros(1), b=np.zeros(1))
    with pytest.raises(DataError, match="needs arrays x and y, or images and labels; it has a, b"):
        read(Recipe(data=str(path)))
    path.write_bytes(b"no archive")
    with pytest.raises(DataError, match="cannot be read as a NumPy archive"):
        read(Recipe(data=str(path)))
    np.savez(path, x=np.zeros((2, 2, 2), np.complex64), y=np.zeros(2))
    with pytest.raises(DataError, match="holds complex64 images"):
        read(Recipe(data=str(path)))


def test_one_image_for_a_model(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", 50, size=(30, 20), mode="RGB")
    opened = open_image(tmp_path / "a.png", (8, 8, 3))
    assert (opened.image.shape, opened.image[0, 0].tolist()) == ((8, 8, 3), [50, 0, 0])
    assert open_image(tmp_path / "a.png", (8, 8, 1)).image.shape == (8, 8, 1)
    assert open_image(np.ones((8, 8), np.uint8), (8, 8, 1)).image.shape == (8, 8, 1)
    with pytest.raises(DataError, match=r"has shape \(8, 7\); this model takes \(8, 8, 1\)"):
        open_image(np.ones((8, 7)), (8, 8, 1))
    with pytest.raises(DataError, match="no finite numbers"):
        open_image(np.full((8, 8), np.nan), (8, 8, 1))
    (tmp_path / "b.png").write_text("no picture")
    with pytest.raises(DataError, match=r"b\.png: cannot be read as a picture"):
        open_image(tmp_path / "b.png", (8, 8, 1))


def test_pillow_is_named_where_it_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(tmp_path / "cat" / "1.png", 10)
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(MissingExtra, match=r"pillow: pip install 'recurra\[vision\]'"):
        read(Recipe(data=str(tmp_path)))


def test_an_archive_that_is_its_own_test_part_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "digits.npz"
    x, y = np.arange(5 * 16, dtype=np.uint8).reshape(5, 4, 4), np.zeros(5, np.int64)
    np.savez(path, x=x, y=y)
    splits = read(Recipe(data=str(path), valid=str(path), test=str(path)))
    assert len(splits.test) == 5
    np.savez(path, x_test=x, y_test=y)
    with pytest.raises(DataError, match="holds a test part; x_train, y_train are needed"):
        read(Recipe(data=str(path)))


def test_one_bad_picture_does_not_make_another_size(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for i in range(3):
        picture(tmp_path / f"a/{i}.png", i)
    (tmp_path / "a/3.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"3\.png: cannot be read as a picture: its format is unk"):
        read_path(tmp_path, Rows())
    assert "resized" not in capsys.readouterr().err
