"""Folders of classes and of parts: told apart by what they hold, or refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import recurra
from recurra.cli import main
from recurra.data.readers.images import read
from recurra.data.splits import Splits
from recurra.errors import DataError
from tests.every import Every as Recipe

COUNT = 0


def fill(folder: Path, *names: str, count: int = 3, size: tuple[int, int] = (3, 2)) -> None:
    """Write different pictures into each of the folders."""
    global COUNT
    for name in names:
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            COUNT += 1
            colour = (COUNT % 256, COUNT // 256, 0)
            Image.new("RGB", size, colour).save(folder / name / f"{number}.png")


def labels(folder: Path, **fields: Any) -> list[list[str]]:
    splits = read(Recipe(data=str(folder), **fields))
    return [sorted({row.label for row in part}) for part in splits.parts]


def files(splits: Splits[Any], root: Path) -> list[set[str]]:
    return [{str(Path(row.where).relative_to(root).parent) for row in p} for p in splits.parts]


CAT_DOG = ["cat", "dog"]


def test_folders_of_classes_in_folders_of_parts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    homes = {"train_set": "train", "seg_val": "val", "Testing": "test"}
    for home in homes:
        fill(tmp_path, f"{home}/cat", f"{home}/dog")
    splits = read(Recipe(data=str(tmp_path)))
    assert [{Path(name).parts[0] for name in part} for part in files(splits, tmp_path)] == [
        {home} for home in homes
    ]
    assert labels(tmp_path) == [CAT_DOG] * 3
    assert not capsys.readouterr().err


@pytest.mark.parametrize("name", ["train", "test", "validation", "val", "dev", "test tube"])
def test_a_class_with_the_name_of_a_part(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path, name, "car", "plane", count=20)
    assert labels(tmp_path)[0] == sorted([name, "car", "plane"])
    told = capsys.readouterr().err
    assert f"{tmp_path}: {name} is taken for a class, as it holds pictures itself" in told


def test_a_class_called_train_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "data", "train", "car", "plane", count=8)
    out = str(tmp_path / "run")
    run = ["train", "image_classification", "--data", str(tmp_path / "data"), "--out", out]
    assert main([*run, "--epochs", "1", "--hidden", "4", "--embedding", "4"]) == 0
    assert "train is taken for a class" in capsys.readouterr().err
    answer = recurra.load(out).predict([tmp_path / "data/train/0.png"])[0]
    assert sorted(answer.probabilities) == ["car", "plane", "train"]


UNCLEAR = {
    "parts without classes": (["train", "test"], "train with pictures and no class folders in"),
    "one folder": (["train"], "train with pictures and no class folders in them"),
    "a nested class": (["train/steam", "train/diesel", "car"], "train may be a part, or a class"),
    "another nested class": (["dev/a", "dev/b", "car", "plane"], "dev may be a part, or a class"),
    "only a test part": (["test/cat", "test/dog"], "has no training part among its folders"),
    "two training parts": (
        ["train1/cat", "train1/dog", "train2/cat", "train2/dog"],
        "has several train folders",
    ),
    "one more folder around": (["photos/cat", "photos/dog"], "one class folder, with others in it"),
}


@pytest.mark.parametrize("name", UNCLEAR)
def test_folders_that_may_be_either_are_refused(name: str, tmp_path: Path) -> None:
    folders, reason = UNCLEAR[name]
    fill(tmp_path, *folders)
    with pytest.raises(DataError, match=reason):
        read(Recipe(data=str(tmp_path)))


def test_a_part_without_classes_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path, "train/cat", "train/dog", count=10)
    fill(tmp_path, "test")
    splits = read(Recipe(data=str(tmp_path)))
    assert all("test" not in row.where.split("/") for part in splits.parts for row in part)
    assert "parts are train; left out: test" in capsys.readouterr().err
    fill(tmp_path, "val/cat", "val/dog", "unlabelled")
    assert labels(tmp_path)[0] == CAT_DOG
    assert "parts are train, val; left out: test, unlabelled" in capsys.readouterr().err


def test_a_test_part_beside_classes_is_not_learned_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path, "cat", "dog", count=10)
    fill(tmp_path, "test/cat", "test/dog")
    train, valid, test = files(read(Recipe(data=str(tmp_path))), tmp_path)
    assert train | valid == {"cat", "dog"}
    assert test == {"test/cat", "test/dog"}
    assert "test held out; the other folders are the training part" in capsys.readouterr().err


def test_a_part_that_is_named_is_not_learned_from(tmp_path: Path) -> None:
    fill(tmp_path, "cat", "dog", count=10)
    fill(tmp_path, "mine/cat", "mine/dog", "test/cat", "test/dog")
    named = read(Recipe(data=str(tmp_path), test=str(tmp_path / "mine")))
    train, valid, test = files(named, tmp_path)
    assert train | valid == {"cat", "dog"}
    assert test == {"mine/cat", "mine/dog"}


def test_what_is_no_picture_of_a_class_is_left_out_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path, "cat", "dog", count=10)
    plain = [
        [row.image.tobytes() for row in part] for part in read(Recipe(data=str(tmp_path))).parts
    ]
    capsys.readouterr()
    fill(tmp_path, ".hidden", "cat/.ipynb_checkpoints", "__MACOSX/cat")
    for name in ("cat/._0.png", "cat/.DS_Store", "dog/Thumbs.db", ".DS_Store", "cat/desktop.ini"):
        (tmp_path / name).write_bytes(b"no picture")
    again = read(Recipe(data=str(tmp_path)))
    assert [[row.image.tobytes() for row in part] for part in again.parts] == plain
    assert "left out" not in capsys.readouterr().err
    (tmp_path / "cow").mkdir()
    (tmp_path / "cat/a.heic").write_bytes(b"a photo")
    (tmp_path / "dog/b.HEIC").write_bytes(b"a photo")
    fill(tmp_path, ".", count=1)
    again = read(Recipe(data=str(tmp_path)))
    assert [[row.image.tobytes() for row in part] for part in again.parts] == plain
    told = "folders without pictures (cow); files 2 .heic; pictures in no class folder (1)"
    assert f"left out are {told}" in capsys.readouterr().err


def test_folders_within_a_class_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path, "animal/cat", "animal/dog", "plant", count=8)
    assert labels(tmp_path)[0] == ["animal", "plant"]
    told = capsys.readouterr().err
    assert "the outer folder is the class (animal/cat, animal/dog); for the inner ones" in told


def test_accents_and_links_change_no_class(tmp_path: Path) -> None:
    fill(tmp_path, "train/caf\u00e9", "train/dog", "elsewhere/more", count=5)
    fill(tmp_path, "test/cafe\u0301", "test/dog")
    assert labels(tmp_path)[2] == ["caf\u00e9", "dog"]
    (tmp_path / "train/dog/link").symlink_to(tmp_path / "elsewhere/more")
    (tmp_path / "train/dog/loop").symlink_to(tmp_path / "train")
    before = read(Recipe(data=str(tmp_path)))
    assert sum(row.label == "dog" for part in before.parts[:2] for row in part) == 10


def test_all_parts_have_the_size_of_the_training_part(tmp_path: Path) -> None:
    fill(tmp_path, "train/cat", "train/dog", count=10, size=(6, 4))
    fill(tmp_path, "test/cat", "test/dog", size=(9, 9))
    (tmp_path / "test/cat/0.png").unlink()
    Image.new("L", (9, 9), 7).save(tmp_path / "test/cat/0.png")
    splits = read(Recipe(data=str(tmp_path)))
    assert {row.image.shape for part in splits.parts for row in part} == {(4, 6, 3)}
    fill(tmp_path, "other/cat", "other/dog", size=(5, 5))
    given = {"epochs": 1, "hidden": 4, "embedding": 4, "threads": 1, "out": str(tmp_path / "run")}
    model = recurra.train("image_classification", data=str(tmp_path / "train"), **given)
    assert model.evaluate(str(tmp_path / "other"))["accuracy"] >= 0


def test_arrays_beside_pictures_are_refused(tmp_path: Path) -> None:
    fill(tmp_path, "cat", "dog")
    (tmp_path / "all.npz").write_bytes(b"")
    with pytest.raises(DataError, match=r"holds arrays \(all\.npz\) and folders of pictures"):
        read(Recipe(data=str(tmp_path)))


def test_a_part_of_another_shape_is_refused_before_training(tmp_path: Path) -> None:
    x, y = np.arange(160, dtype=np.uint8).reshape(20, 4, 2), np.arange(20) % 2
    for name, images in [("a.npz", x), ("b.npz", x.reshape(20, 2, 4))]:
        np.savez(tmp_path / name, x=images, y=y)
    parts = {"data": str(tmp_path / "a.npz"), "valid": str(tmp_path / "b.npz")}
    with pytest.raises(DataError, match=r"b\.npz:1: is 2×4×1; the training part is 4×2×1"):
        read(Recipe(**parts))


def test_one_folder_within_a_class_makes_it_no_part(tmp_path: Path) -> None:
    fill(tmp_path, "train", "car", count=12)
    fill(tmp_path, "train/old")
    assert labels(tmp_path)[0] == ["car", "train"]


def test_accents_of_every_class_in_another_form(tmp_path: Path) -> None:
    fill(tmp_path, "train/caf\u00e9", "train/\u00e9t\u00e9", count=10)
    fill(tmp_path, "test/cafe\u0301", "test/e\u0301te\u0301")
    assert labels(tmp_path)[2] == ["caf\u00e9", "\u00e9t\u00e9"]
