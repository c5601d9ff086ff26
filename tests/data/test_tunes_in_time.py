"""One or two tunes are split in time: no note, and no sound, is in two parts."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import symusic

from recurra.data.music import Notes
from recurra.data.readers.excerpts import excerpts
from recurra.data.readers.midi import Tune, read
from recurra.data.splits import Splits
from recurra.errors import DataError
from tests.every import Every as Recipe

BAR = 4 * 480


def piece(bars: int, seed: int = 0, length: int = 480) -> Any:
    """Four notes of chance in every bar, each at a time of its own."""
    chance = np.random.default_rng(seed)
    score = symusic.Score(480)
    score.tracks.append(symusic.Track())
    for i in range(4 * bars):
        pitch = int(chance.integers(40, 90))
        score.tracks[0].notes.append(symusic.Note(480 * i, length, pitch, 80))
    return score


def write(folder: Path, *scores: Any, name: str = "{}.mid") -> Recipe:
    for i, score in enumerate(scores):
        path = folder / name.format(i)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(score.dumps_midi())
    return Recipe(data=str(folder))


def notes(tune: Tune) -> list[tuple[int, int, int]]:
    return [(n.time, n.duration, n.pitch) for track in tune.score.tracks for n in track.notes]


def pitches(splits: Splits[Tune]) -> list[list[int]]:
    return [[n[2] for tune in part for n in notes(tune)] for part in splits.parts]


@pytest.mark.parametrize("name", ["{}.mid", "{}.MID", "deep/er/{}.midi"])
def test_a_folder_with_one_tune(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    score = piece(30)
    splits = read(write(tmp_path, score, name=name))
    told = capsys.readouterr().err.splitlines()
    line = (
        f"{tmp_path}: one tune is split in time at bar lines, validation and test last "
        "(--valid, --test: other files)"
    )
    assert told == [line]
    expected = [n.pitch for n in score.tracks[0].notes]
    assert pitches(splits) == [expected[:96], expected[96:108], expected[108:]]
    file = tmp_path / name.format(0)
    assert [part[0].where for part in splits.parts] == [
        f"{file}, bars {bars}" for bars in ("1 to 24", "25 to 27", "28 to 30")
    ]


def test_a_file_is_what_its_folder_is(tmp_path: Path) -> None:
    whole = read(write(tmp_path, piece(12)))
    assert pitches(read(Recipe(data=str(tmp_path / "0.mid")))) == pitches(whole)


def test_no_sound_of_one_part_is_in_another(tmp_path: Path) -> None:
    splits = read(write(tmp_path, piece(10, length=3 * 480)))
    for part, bars in zip(splits.parts, (8, 1, 1), strict=True):
        (tune,) = part
        assert min(n[0] for n in notes(tune)) == 0
        assert max(n[0] + n[1] for n in notes(tune)) == bars * BAR
        assert tune.tokens is not None
        assert tune.tokens.tolist() == Notes().encode(tune.score)


def test_what_a_test_file_is_named_for_is_not_split_off(tmp_path: Path) -> None:
    recipe = write(tmp_path / "a", piece(10))
    write(tmp_path / "b", piece(10, seed=1))
    splits = read(Recipe(data=recipe.data, test=str(tmp_path / "b")))
    assert [len(part) for part in pitches(splits)] == [36, 4, 40]


@pytest.mark.parametrize("part", ["valid", "test"])
def test_a_part_of_a_tune_is_not_judged_by_the_whole(tmp_path: Path, part: str) -> None:
    file = f"{write(tmp_path, piece(10)).data}/0.mid"
    with pytest.raises(DataError, match=r"0\.mid: is in the training part too"):
        read(Recipe(data=file, **{part: file}))
    both = read(Recipe(data=file, valid=file, test=file))  # to be evaluated, not learned from
    assert [len(each) for each in both.parts] == [1, 1, 1]


def test_two_tunes_and_copies_of_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    splits = read(write(tmp_path / "two", piece(10), piece(20, seed=1)))
    assert [len(part) for part in pitches(splits)] == [32 + 64, 4 + 8, 4 + 8]
    assert "2 tunes are split in time" in capsys.readouterr().err
    splits = read(write(tmp_path / "copies", *[piece(10)] * 5))
    assert [len(part) for part in pitches(splits)] == [5 * 32, 5 * 4, 5 * 4]
    assert len({tuple(part) for part in pitches(splits)}) == 3
    splits = read(write(tmp_path / "three", *(piece(10, seed=i) for i in range(3))))
    assert [len(part) for part in splits.parts] == [1, 1, 1]
    assert "in time" not in capsys.readouterr().err.splitlines()[-1]


def test_long_parts_are_stretches_that_are_read_whole(tmp_path: Path) -> None:
    recipe = write(tmp_path, piece(40))
    splits = read(Recipe(data=recipe.data, max_length=64))
    found = [pitch for part in pitches(splits) for pitch in part]
    assert found == [n.pitch for n in piece(40).tracks[0].notes]
    assert len(splits.train) > 4
    for tune in splits.train:
        assert tune.tokens is not None
        assert tune.tokens.tolist() == Notes().encode(tune.score)
        assert len(tune.tokens) < 64


def test_time_signatures_go_along(tmp_path: Path) -> None:
    score = piece(12)  # 48 beats: 4 bars of 3/4, then 9 of 4/4
    score.time_signatures.append(symusic.TimeSignature(0, 3, 4))
    score.time_signatures.append(symusic.TimeSignature(12 * 480, 4, 4))
    splits = read(write(tmp_path, score))
    signs = [
        [(s.time, s.numerator) for s in tune.score.time_signatures]
        for part in splits.parts
        for tune in part
    ]
    assert signs == [[(0, 3), (12 * 480, 4)], [(0, 4)], [(0, 4)]]
    assert [len(part) for part in pitches(splits)] == [12 + 7 * 4, 4, 4]


def test_silence_is_no_part(tmp_path: Path) -> None:
    score = piece(6)
    for note in score.tracks[0].notes:
        note.time = 2 * BAR * (note.time // BAR) + 5 * BAR  # every other bar, after five
    splits = read(write(tmp_path, score))
    assert [len(part) for part in pitches(splits)] == [16, 4, 4]
    assert [min(n[0] for tune in part for n in notes(tune)) for part in splits.parts] == [0, 0, 0]


def test_the_key_is_of_the_part_or_of_the_signature(tmp_path: Path) -> None:
    score = piece(10)
    for i, note in enumerate(score.tracks[0].notes):
        note.pitch = (60 if i < 32 else 66) + (0, 4, 7, 12)[i % 4]  # C major, F sharp in the end
    splits = read(write(tmp_path / "a", score))
    assert [part[0].key for part in splits.parts] == [0, 6, 6]
    score.key_signatures.append(symusic.KeySignature(0, 2, 0))
    splits = read(write(tmp_path / "b", score))
    assert [part[0].key for part in splits.parts] == [2, 2, 2]


def test_too_short_a_tune_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"0\.mid: is too short .* at least 3 bars with notes"):
        read(write(tmp_path, piece(2)))
    assert excerpts(Notes().voice(piece(2)).score, ["train", "test"], 99) is not None
    assert [len(part) for part in read(write(tmp_path, piece(3))).parts] == [1, 1, 1]
