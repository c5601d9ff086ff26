"""Labelled sounds: folders of classes, manifests, their parts, and what is wrong with them."""

import json
from pathlib import Path

import numpy as np
import pytest

from recurra.data.readers import sounds
from recurra.errors import DataError
from recurra.tasks.audio_classification import AudioRecipe
from recurra.tasks.audio_classification import read as read_task
from tests.data.sounds import RATE, tone, write

LABELS = {"low": 300, "high": 2000}


def fill(folder: Path, count: int = 6, start: int = 0) -> None:
    """Write class folders of different sounds."""
    for label, pitch in LABELS.items():
        for i in range(start, start + count):
            write(folder / label / f"{i}.wav", tone(0.05 + 0.01 * i, pitch))


def read(data: Path, **fields):
    return read_task(AudioRecipe.of({"data": str(data), "sample_rate": RATE, **fields}))


def labels(rows) -> dict[str, int]:
    return {label: sum(row.label == label for row in rows) for label in LABELS}


def test_folders_are_classes_and_parts_are_split_off(tmp_path):
    fill(tmp_path, 10)
    splits = read(tmp_path)
    assert len(splits.train) == 16
    assert len(splits.valid) == len(splits.test) == 2
    for row in splits.train:
        number = int(Path(row.where).stem)
        wanted = tone(0.05 + 0.01 * number, LABELS[row.label])
        np.testing.assert_allclose(row.samples, wanted, rtol=0, atol=1e-4)


def test_folders_of_parts_are_those_parts(tmp_path):
    for part, start in [("train", 0), ("valid", 10), ("test", 20)]:
        fill(tmp_path / part, 3, start)
    splits = read(tmp_path)
    for rows, part in zip(splits.parts, ("train", "valid", "test"), strict=True):
        assert labels(rows) == {"low": 3, "high": 3}
        assert all(f"/{part}/" in row.where for row in rows)


def test_what_is_held_out_does_not_depend_on_how_sounds_are_read(tmp_path):
    fill(tmp_path, 20)
    ways = [{}, {"max_length": 3}, {"sample_rate": 16000}]
    tests = [{row.where for row in read(tmp_path, **way).test} for way in ways]
    assert tests[0] == tests[1] == tests[2]


def test_copies_of_a_file_stay_in_one_part(tmp_path):
    fill(tmp_path, 12)
    for path in list(tmp_path.rglob("*.wav")):
        path.with_name(f"copy-{path.name}").write_bytes(path.read_bytes())
    splits = read(tmp_path)
    parts = [{row.content for row in rows} for rows in splits.parts]
    assert not parts[0] & parts[1]
    assert not parts[0] & parts[2]
    assert not parts[1] & parts[2]


def manifest(folder: Path, name: str, count: int = 8) -> Path:
    """Write sounds in a folder of their own, and a manifest that lists them."""
    fill(folder / "clips", count)
    rows = [(f"clips/{y}/{i}.wav", y, f"s{i % 2}") for y in LABELS for i in range(count)]
    path = folder / name
    if name.endswith("jsonl"):
        lines = [json.dumps({"audio": a, "label": b, "speaker": c}) for a, b, c in rows]
    else:
        mark = "\t" if name.endswith("tsv") else ","
        lines = [mark.join(row) for row in [("audio", "label", "speaker"), *rows]]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("name", ["all.csv", "all.tsv", "all.jsonl"])
def test_a_manifest_lists_sounds_beside_it(tmp_path, name, capsys):
    splits = read(manifest(tmp_path, name))
    rows = [row for part in splits.parts for row in part]
    assert labels(rows) == {"low": 8, "high": 8}
    assert all(row.where.startswith(f"{tmp_path / name}:") for row in rows)
    told = capsys.readouterr().err
    assert "sounds from column 'audio', labels from column 'label'" in told
    assert "(--path-column, --label-column)" in told


def test_a_manifest_without_a_header_is_read_from_its_first_row(tmp_path):
    path = manifest(tmp_path, "all.csv")
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    rows = [row for part in read(path, label_column="2").parts for row in part]
    assert len(rows) == 16
    with pytest.raises(DataError, match=r"no header with 'mood'"):
        read(path, label_column="mood")


def test_columns_can_be_named(tmp_path):
    splits = read(manifest(tmp_path, "all.csv"), label_column="speaker")
    assert {row.label for row in splits.train} == {"s0", "s1"}


def test_manifests_of_parts_in_a_folder_are_those_parts(tmp_path):
    whole = manifest(tmp_path, "all.csv").read_text().splitlines()
    (tmp_path / "all.csv").unlink()
    for part, some in [("train", whole[1:14]), ("dev", whole[14:16]), ("test", whole[16:])]:
        (tmp_path / f"{part}.csv").write_text("\n".join([whole[0], *some]) + "\n")
    splits = read(tmp_path)
    assert [len(part) for part in splits.parts] == [13, 2, 1]


def test_one_manifest_beside_one_folder_of_clips_is_read(tmp_path):
    manifest(tmp_path, "all.csv")
    assert labels(read(tmp_path).train).keys() == LABELS.keys()
    assert sum(len(part) for part in read(tmp_path).parts) == 16


def test_a_file_that_a_manifest_lists_and_is_missing_is_told_with_its_row(tmp_path, capsys):
    path = manifest(tmp_path, "all.csv")
    gone = tmp_path / "clips" / "low" / "2.wav"
    gone.unlink()
    with pytest.raises(DataError, match=rf"all\.csv:4: {gone} is missing"):
        read(path)
    splits = read(path, skip_bad_rows=True)
    assert splits.skipped == 1
    assert sum(map(len, splits.parts)) == 15
    assert f"skipped {path}:4:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("clips/low/0.wav,,s1", "has no label in column 'label'"),
        (",low,s1", "has no path in column 'audio'"),
        ("clips/low,low,s1", "clips/low is missing"),
        ("clips/low/0.wav,low", "has 2 columns where 3 are expected"),
    ],
)
def test_a_bad_row_of_a_manifest_is_told(tmp_path, row, words):
    path = manifest(tmp_path, "all.csv")
    with path.open("a") as file:
        file.write(row + "\n")
    with pytest.raises(DataError, match=words) as caught:
        read(path, label_column="label")
    assert f"{path}:18" in str(caught.value)


def test_a_bad_sound_of_a_manifest_is_told_or_skipped(tmp_path):
    path = manifest(tmp_path, "all.csv")
    write(tmp_path / "clips" / "low" / "3.wav", np.zeros(0))
    with pytest.raises(DataError, match=r"3\.wav: holds 0 samples"):
        read(path)
    assert read(path, skip_bad_rows=True).skipped == 1


def folder_without_sound(home: Path) -> Path:
    (home / "a").mkdir(parents=True)
    (home / "a" / "b.png").touch()
    return home


def one_class(home: Path) -> Path:
    fill(home)
    for path in (home / "high").iterdir():
        path.unlink()
    return home


def without_paths(home: Path) -> Path:
    path = home / "x.csv"
    home.mkdir()
    path.write_text("one,two\n" + "a,b\n" * 5)
    return path


def two_paths(home: Path) -> Path:
    path = home / "x.csv"
    home.mkdir()
    path.write_text("one,two\n" + "a.wav,b.wav\n" * 5)
    return path


def a_sound(home: Path) -> Path:
    return write(home / "x.wav", tone())


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (folder_without_sound, "holds no folders with sounds; one folder per class is needed"),
        (one_class, r"has too few labels \(low\)"),
        (without_paths, r"no column has names of sounds \(column 'one', column 'two'\)"),
        (two_paths, "several columns have names of sounds"),
        (a_sound, "is not text"),
    ],
)
def test_what_is_no_set_of_sounds_is_refused(tmp_path, make, words):
    with pytest.raises(DataError, match=words):
        read(make(tmp_path / "data"))


def test_a_label_of_the_test_part_alone_is_told(tmp_path):
    fill(tmp_path / "train", 4)
    fill(tmp_path / "test", 4, 10)
    write(tmp_path / "test" / "odd" / "0.wav", tone())
    with pytest.raises(DataError, match="label 'odd' does not occur in the training part"):
        read(tmp_path)


def test_a_part_is_bounded(tmp_path, monkeypatch):
    fill(tmp_path)
    monkeypatch.setattr(sounds, "MOST_SAMPLES", 3000)
    with pytest.raises(DataError, match="hours that a part may last at 8,000 Hz"):
        read(tmp_path)
