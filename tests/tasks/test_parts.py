"""Validation and test parts that are the training part again, or share rows with it."""

import gzip
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import recurra
from tests.tasks.conftest import TINY, write_conll, write_images, write_pairs, write_reviews


def shuffled(data: Path, other: Path) -> None:
    head, *rows = data.read_text().splitlines()
    random.Random(1).shuffle(rows)
    other.write_text("\n".join([head, *rows]))


def zipped(data: Path, other: Path) -> None:
    other.write_bytes(gzip.compress(data.read_bytes()))


def train(task: str, data: str | Path, out: Path, **fields: object) -> recurra.Model:
    return recurra.train(task, data=str(data), out=str(out), **{**TINY, **fields})


@pytest.mark.parametrize("option", ["valid", "test"])
@pytest.mark.parametrize("make", [shutil.copy, os.link, os.symlink, shuffled, zipped])
def test_the_training_file_by_any_other_name(
    tmp_path: Path, make: Callable[[Path, Path], object], option: str
):
    data, other = Path(write_reviews(tmp_path)), tmp_path / "other.tsv"
    make(data, other)
    name = {"valid": "validation", "test": "test"}[option]
    says = rf"other.tsv: the {name} part has all \d+ training rows"
    with pytest.raises(recurra.RecurraError, match=says):
        train("sentiment", data, tmp_path / "run", **{option: str(other)})
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("task", "write"),
    [("ner", write_conll), ("translation", write_pairs), ("image_classification", write_images)],
)
def test_in_other_tasks(tmp_path: Path, task: str, write: Callable[[Path], str]):
    data = write(tmp_path)
    with pytest.raises(recurra.RecurraError, match=r"the validation part has all .* training rows"):
        train(task, data, tmp_path / "run", valid=data)


def test_shared_rows_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    data = Path(write_reviews(tmp_path))
    head, *rows = data.read_text().splitlines()
    parts = {"valid": rows[:3], "test": [*rows[2:4], "it was grim\tbad"]}
    for name, lines in parts.items():
        (tmp_path / f"{name}.tsv").write_text("\n".join([head, *lines]))
    named = {name: str(tmp_path / f"{name}.tsv") for name in parts}
    train("sentiment", data, tmp_path / "run", **named)
    told = capsys.readouterr().err
    assert f"{data}: 3 of 3 validation rows are in the training part too\n" in told
    assert f"{data}: 2 of 3 test rows are in the training part too\n" in told
    assert f"{data}: 1 of 3 test rows are in the validation part too\n" in told
    train("sentiment", data, tmp_path / "two", valid=named["test"], test=named["test"])
    assert "the test part is the validation part" in capsys.readouterr().err
    train("sentiment", data, tmp_path / "three")
    assert "part too" not in capsys.readouterr().err


def test_a_model_is_evaluated_on_its_training_file(tmp_path: Path):
    data = write_reviews(tmp_path)
    model = train("sentiment", data, tmp_path / "run")
    assert 0 <= model.evaluate(data)["accuracy"] <= 1


def test_a_folder_whose_parts_are_the_same_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    data = write_reviews(tmp_path)
    (tmp_path / "both").mkdir()
    for name in ("train.tsv", "test.tsv"):
        shutil.copy(data, tmp_path / "both" / name)
    train("sentiment", tmp_path / "both", tmp_path / "run")
    assert "of 40 test rows are in the training part too" in capsys.readouterr().err
