"""Tunes from MIDI files, and their keys."""

import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
import symusic

from recurra.data.readers.midi import MAJOR, MINOR, estimate_key, key_of, read
from recurra.errors import DataError, MissingExtra
from tests.every import Every as Recipe

STEPS = {"major": (0, 2, 4, 5, 7, 9, 11, 12), "minor": (0, 2, 3, 5, 7, 8, 11, 12)}


def scale(tonic: int, mode: str = "major", shift: int = 0) -> Any:
    score = symusic.Score(480)
    track = symusic.Track()
    for i, step in enumerate((*STEPS[mode], 7, 4 if mode == "major" else 3, 0)):
        track.notes.append(symusic.Note(480 * i + shift, 480, 60 + tonic + step, 80))
    score.tracks.append(track)
    return score


@pytest.mark.parametrize("mode", ["major", "minor"])
@pytest.mark.parametrize("tonic", range(12))
def test_the_key_of_a_scale(tonic: int, mode: str) -> None:
    assert key_of(scale(tonic, mode)) == (tonic, mode)


@pytest.mark.parametrize(("profile", "mode"), [(MAJOR, "major"), (MINOR, "minor")])
def test_a_profile_is_its_own_key(profile: tuple[float, ...], mode: str) -> None:
    for tonic in range(12):
        assert estimate_key(5 * np.roll(profile, tonic)) == (tonic, mode)


@pytest.mark.parametrize(
    ("sharps", "tonality", "key"),
    [(0, 0, (0, "major")), (0, 1, (9, "minor")), (-3, 0, (3, "major")), (4, 1, (1, "minor"))],
)
def test_a_key_signature_is_believed(sharps: int, tonality: int, key: tuple[int, str]) -> None:
    score = scale(5)
    score.key_signatures.append(symusic.KeySignature(0, sharps, tonality))
    assert key_of(score) == key


def test_drums_have_no_key() -> None:
    score = scale(3)
    drums = symusic.Track(is_drum=True)
    drums.notes.append(symusic.Note(0, 48000, 66, 80))
    score.tracks.append(drums)
    assert key_of(score) == (3, "major")


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_parts_are_folders(tmp_path: Path, packed: bool) -> None:
    files = {
        f"{part}/{i}.mid": scale(i).dumps_midi()
        for part, count in [("train", 5), ("valid", 2), ("test", 1)]
        for i in range(count)
    }
    if packed:
        with ZipFile(tmp_path / "all.zip", "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
    else:
        for name, content in files.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(content)
    splits = read(Recipe(data=str(tmp_path)))
    assert [[tune.key for tune in part] for part in splits.parts] == [[0, 1, 2, 3, 4], [0, 1], [0]]
    assert splits.test[0].where.endswith("test/0.mid")


def test_a_plain_folder_is_split_and_equal_tunes_stay_together(tmp_path: Path) -> None:
    for i in range(40):
        (tmp_path / f"{i}.mid").write_bytes(scale(i % 12, shift=480 * (i % 20)).dumps_midi())
    splits = read(Recipe(data=str(tmp_path)))
    assert [len(part) for part in splits.parts] == [32, 4, 4]


def test_a_damaged_file_and_one_without_notes(tmp_path: Path) -> None:
    for i in range(20):
        (tmp_path / f"{i}.mid").write_bytes(scale(i % 12, shift=480 * i).dumps_midi())
    (tmp_path / "bad.mid").write_bytes(scale(1).dumps_midi()[:60])
    with pytest.raises(DataError, match=r"bad\.mid: is not a MIDI file that can be read"):
        read(Recipe(data=str(tmp_path)))
    (tmp_path / "none.mid").write_bytes(symusic.Score(480).dumps_midi())
    assert read(Recipe(data=str(tmp_path), skip_bad_rows=True)).skipped == 2
    (tmp_path / "bad.mid").unlink()
    with pytest.raises(DataError, match=r"none\.mid: has no notes"):
        read(Recipe(data=str(tmp_path)))


def test_what_is_no_source_of_tunes(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no MIDI files \(\.mid\)"):
        read(Recipe(data=str(tmp_path)))
    (tmp_path / "a.txt").write_text("text")
    with pytest.raises(DataError, match=r"neither a folder, a zip, nor a \.mid file"):
        read(Recipe(data=str(tmp_path / "a.txt")))


def test_symusic_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "symusic", None)
    with pytest.raises(MissingExtra, match=r"symusic: pip install 'recurra\[music\]'"):
        read(Recipe(data="."))
