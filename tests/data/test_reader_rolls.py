"""Piano-rolls out of MATLAB, JSON and MIDI files, and what is refused."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from recurra.data.readers import rolls
from recurra.data.readers.text import Rows
from recurra.data.rolls import of_pitches, of_score, to_midi
from recurra.errors import DataError, RecurraError
from recurra.tasks.polyphonic_music import POLYPHONIC_MUSIC
from recurra.tasks.run import complete


def pieces(count: int, seed: int) -> list[np.ndarray]:
    draw = np.random.default_rng(seed)
    return [(draw.random((5 + i, 88)) < 0.1).astype(np.uint8) for i in range(count)]


def read(path: Path, **fields: object):
    recipe = complete(POLYPHONIC_MUSIC, {"data": str(path), **fields})
    return rolls.read(recipe, recipe.steps_per_beat)


def cells(arrays: list[np.ndarray]) -> np.ndarray:
    held = np.empty((1, len(arrays)), dtype=object)
    for i, array in enumerate(arrays):
        held[0, i] = array
    return held


def test_matlab(tmp_path: Path):
    from scipy.io import savemat

    parts = {"traindata": pieces(6, 0), "validdata": pieces(3, 1), "testdata": pieces(4, 2)}
    path = tmp_path / "music.mat"
    savemat(path, {name: cells(arrays) for name, arrays in parts.items()})
    found = read(path)
    for part, arrays in zip(found.parts, parts.values(), strict=True):
        assert all(np.array_equal(a.frames, b) for a, b in zip(part, arrays, strict=True))
    assert found.test[0].where == f"{path}, test 1"


@pytest.mark.parametrize("packed", [False, True])
def test_json_of_pitches(packed: bool, tmp_path: Path):
    parts = {
        name: [[[60, 64], [], [21, 108]], [[50 + i] for i in range(4)]]
        for i, name in enumerate(("train", "valid", "test"))
    }
    for i, name in enumerate(parts):  # no two alike
        parts[name][0].append([70 + i])
        parts[name][1].append([80 + i])
    text = json.dumps(parts).encode()
    path = tmp_path / ("music.json.gz" if packed else "music.json")
    path.write_bytes(gzip.compress(text) if packed else text)
    found = read(path)
    assert [len(part) for part in found.parts] == [2, 2, 2]
    frames = found.valid[0].frames
    assert [(np.flatnonzero(step) + 21).tolist() for step in frames] == [
        [60, 64], [], [21, 108], [71],
    ]  # fmt: skip  # a step each


def test_named_files_are_their_parts(tmp_path: Path):
    paths = {}
    for i, name in enumerate(("train", "valid", "test")):
        paths[name] = tmp_path / f"{name}.json"
        paths[name].write_text(json.dumps([[[60 + i], [61 + n]] for n in range(3 + i)]))
    both = tmp_path / "both.json"
    both.write_text(json.dumps({"train": [[[1 + 40], [42]]], "test": [[[50], [51]]]}))
    found = read(paths["train"], valid=str(paths["valid"]), test=str(both))
    assert [len(part) for part in found.parts] == [3, 4, 1]
    assert found.test[0].frames[0, 50 - 21] == 1


def note(start: int, length: int, pitch: int):
    import symusic

    return symusic.Note(start, length, pitch, 80)


def test_a_score_on_a_grid():
    import symusic

    score, track = symusic.Score(480), symusic.Track()
    drums = symusic.Track(is_drum=True)
    for one in (note(0, 480, 60), note(480, 960, 64), note(10, 20, 72), note(0, 480, 110)):
        track.notes.append(one)
    drums.notes.append(note(0, 4800, 36))
    score.tracks.append(track)
    score.tracks.append(drums)
    frames = of_score(score, 1, "x").frames
    said = [(np.flatnonzero(step) + 21).tolist() for step in frames]
    assert said == [[60, 72], [64], [64]]
    fine = of_score(score, 4, "x").frames
    assert len(fine) == 12
    assert fine[:, 72 - 21].tolist() == [1] + [0] * 11


def test_what_is_written_is_what_is_read():
    from symusic import Score

    frames = pieces(1, 3)[0]
    frames[-1, 40] = 1
    for steps in (1, 4):
        again = of_score(Score.from_midi(to_midi(frames, steps)), steps, "x").frames
        assert np.array_equal(again, frames)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[[[60]]]", "train 1: has 1 steps"),
        (b"[[[60], [61], [200]]]", "train 1: step 2: 200 is no pitch from 21 to 108"),
        (b"[[[60], [20]]]", "step 1: 20 is no pitch"),
        (b"[[[60], [60.5]]]", "step 1: 60.5 is no pitch"),
        (b"[[[60], [true]]]", "step 1: True is no pitch"),
        (b'[[[60], ["C"]]]', "train 1"),
        (b"[[60, 61]]", "train 1"),
        (b"[5]", "train 1"),
        (b"[]", "holds no piece"),
        (b"{", "cannot be read as JSON"),
        (b'{"songs": []}', "needs lists train, valid, test, or one list; it holds songs"),
        (b'{"train": 5}', "needs lists"),
        (b'{"test": [[[60], [61]]]}', "has no training part, only test"),
        (b"\xff\xfe\x00", "cannot be read as JSON"),
    ],
)
def test_what_is_no_roll_is_refused(content: bytes, said: str, tmp_path: Path):
    path = tmp_path / "music.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match=said):
        read(path)


def test_what_is_no_matlab_file_is_refused(tmp_path: Path):
    from scipy.io import savemat

    path = tmp_path / "music.mat"
    path.write_bytes(b"MATLAB 5.0 MAT-file, it says" * 20)
    with pytest.raises(DataError, match="cannot be read as MATLAB 5"):
        read(path)
    savemat(path, {"traindata": np.zeros((3, 88))})
    with pytest.raises(DataError, match="needs cells traindata, validdata, testdata; it holds"):
        read(path)
    savemat(path, {"traindata": cells([np.zeros((4, 87))])})
    with pytest.raises(DataError, match=r"train 1: is \[4, 87\]; a piece is \[time 88\]"):
        read(path)
    savemat(path, {"traindata": cells([np.full((4, 88), 2)])})
    with pytest.raises(DataError, match="other numbers than 0 and 1"):
        read(path)


def test_bad_pieces_are_passed_over_where_asked(tmp_path: Path):
    path = tmp_path / "music.json"
    path.write_text(json.dumps([[[60], [61]], [[200], [1]], [[62], [63]]]))
    rows = Rows(skip=True, quiet=True)
    assert [len(part) for part in rolls.read_file(path, rows).values()] == [2]
    assert rows.skipped == 1


def test_pitches_are_keys():
    assert of_pitches([[21], [108]], "x").frames.nonzero()[1].tolist() == [0, 87]


def test_a_named_file_without_such_a_part_is_refused(tmp_path: Path):
    paths = [tmp_path / name for name in ("train.json", "other.json")]
    paths[0].write_text(json.dumps([[[60 + i], [61]] for i in range(4)]))
    paths[1].write_text(json.dumps({"test": [[[50], [51]]]}))
    with pytest.raises(DataError, match="has no valid part, only test"):
        read(paths[0], valid=str(paths[1]))


def test_a_small_file_that_unpacks_to_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from scipy.io import savemat

    path = tmp_path / "music.mat"
    arrays = [np.zeros((30_000, 88), np.uint8)] * 2
    savemat(path, {"traindata": cells(arrays)}, do_compression=True)
    assert path.stat().st_size < 100_000
    assert 2 * 30_000 * 88 < rolls.unpacked(path) < 3 * 30_000 * 88
    monkeypatch.setattr(rolls, "LARGEST", 1 << 20)
    with pytest.raises(DataError, match="unpacks to over 1 MiB"):
        read(path)


def test_a_grid_has_an_end_and_one_step_is_no_piece(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    for i, count in enumerate([1, 4, 5, 6, 7, 8, 9]):
        import symusic

        score, track = symusic.Score(480), symusic.Track()
        for n in range(count):
            track.notes.append(note(480 * n, 480, 60 + i))
        score.tracks.append(track)
        (tmp_path / ("train" if i < 5 else ("valid", "test")[i - 5])).mkdir(exist_ok=True)
        score.dump_midi(tmp_path / ("train" if i < 5 else ("valid", "test")[i - 5]) / f"{i}.mid")
    assert len(read(tmp_path).train) == 4
    assert "1 pieces of fewer than 2 steps are left out" in capsys.readouterr().err
    with pytest.raises(RecurraError, match="steps_per_beat is 97; 96 are the most"):
        read(tmp_path, steps_per_beat=97)
