"""Recordings with transcripts: every form of list, every fault in one line."""

import json
from pathlib import Path

import numpy as np
import pytest

from recurra.data.readers import transcripts
from recurra.data.readers.sound import Wanted
from recurra.data.splits import Splits
from recurra.errors import DataError
from recurra.tasks.run import complete
from recurra.tasks.speech_recognition import SPEECH_RECOGNITION
from tests.data.sounds import RATE, tone, write

WANTED = Wanted(RATE, 2.0, cut=False)


def read(data: Path | str, **fields: object) -> Splits[transcripts.Utterance]:
    recipe = complete(SPEECH_RECOGNITION, {"data": str(data), **fields})
    return transcripts.read(recipe, WANTED)


def everything(found: Splits[transcripts.Utterance]) -> dict[str, float]:
    """Return each text with the pitch of its tone: which sound went with which text."""
    return {one.text: pitch(one.samples) for part in found.parts for one in part}


def pitch(samples: np.ndarray) -> float:
    strongest = np.abs(np.fft.rfft(samples)).argmax()
    return float(strongest * RATE / len(samples))


def sounds(folder: Path, count: int = 20, form: str = "wav") -> list[str]:
    """Write tones of 200, 220 … Hz; return their names."""
    names = [f"t{i}.{form}" for i in range(count)]
    for i, name in enumerate(names):
        write(folder / name, tone(0.5, 200 + 20 * i))
    return names


def texts(count: int = 20) -> dict[str, float]:
    return {f"tone {i} here": 200.0 + 20 * i for i in range(count)}


def manifest(folder: Path, name: str, rows: list[str]) -> Path:
    path = folder / name
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("mark", ["\t", ",", ";"])
def test_a_table_of_paths_and_texts(tmp_path: Path, mark: str, header: bool) -> None:
    names = sounds(tmp_path / "in")
    rows = [f"in/{name}{mark}{text}" for name, text in zip(names, texts(), strict=True)]
    path = manifest(tmp_path, "list.csv", [f"path{mark}text"] * header + rows)
    assert everything(read(path)) == texts()


def test_json_lines_and_their_names(tmp_path: Path) -> None:
    names = sounds(tmp_path)
    rows = [
        json.dumps({"duration": 0.5, "audio_filepath": str(tmp_path / name), "text": text})
        for name, text in zip(names, texts(), strict=True)
    ]
    assert everything(read(manifest(tmp_path, "nemo.jsonl", rows))) == texts()


def test_named_columns_and_other_texts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = sounds(tmp_path)
    rows = [
        f"{text}\t{name}\tnoted {i}"
        for i, (name, text) in enumerate(zip(names, texts(), strict=True))
    ]
    path = manifest(tmp_path, "list.tsv", ["text\tpath\tnotes", *rows])
    assert everything(read(path)) == texts()
    assert "files are in column 'path', texts in column 'text'" in capsys.readouterr().err
    noted = read(path, text_column="notes", path_column="2")
    assert set(everything(noted)) == {f"noted {i}" for i in range(20)}
    with pytest.raises(DataError, match="cannot be both path and text"):
        read(path, text_column="path")
    with pytest.raises(DataError, match="no column 'nothing'"):
        read(path, text_column="nothing")


def test_common_voice_has_its_clips_in_a_folder_and_names_speakers(tmp_path: Path) -> None:
    names = sounds(tmp_path / "clips")
    for part, some in [("train", range(12)), ("dev", range(12, 16)), ("test", range(16, 20))]:
        rows = [f"c{i % 3}\t{names[i]}\ttone {i} here\t0" for i in some]
        manifest(tmp_path, f"{part}.tsv", ["client_id\tpath\tsentence\tup_votes", *rows])
    found = read(tmp_path)
    assert everything(found) == texts()
    assert [len(part) for part in found.parts] == [12, 4, 4]
    assert {one.speaker for one in found.train} == {"c0", "c1", "c2"}


def test_lj_speech_has_names_without_endings(tmp_path: Path) -> None:
    sounds(tmp_path / "wavs")
    rows = [f"t{i}|tone {i} here|tone {i} here" for i in range(20)]
    assert everything(read(manifest(tmp_path, "metadata.csv", rows))) == texts()


def libri(folder: Path, speakers: list[str], form: str = "flac") -> None:
    for s, speaker in enumerate(speakers):
        home = folder / speaker / "9"
        lines = []
        for i in range(2):
            write(home / f"{speaker}-9-{i:04}.{form}", tone(0.5, 200 + 20 * (2 * s + i)))
            lines.append(f"{speaker}-9-{i:04} tone {2 * s + i} here")
        manifest(home, f"{speaker}-9.trans.txt", lines)


def test_librispeech_folders_and_their_parts(tmp_path: Path) -> None:
    libri(tmp_path / "one" / "train-clean-5", [str(n) for n in range(10)])
    assert everything(read(tmp_path / "one" / "train-clean-5")) == texts()
    for part, first in [("train-clean-5", 0), ("dev-clean", 4), ("test-clean", 7)]:
        libri(tmp_path / "three" / part, [str(first + n) for n in range(3)])
    found = read(tmp_path / "three")
    assert [len(part) for part in found.parts] == [6, 6, 6]
    assert {one.speaker for one in found.test} == {"7", "8", "9"}


def test_speakers_are_held_out_where_there_are_ten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    libri(tmp_path, [str(n) for n in range(10)])
    found = read(tmp_path)
    spoken = [{one.speaker for one in part} for part in found.parts]
    assert all(spoken)
    assert not spoken[0] & spoken[1]
    assert not spoken[0] & spoken[2]
    assert not spoken[1] & spoken[2]
    libri(tmp_path / "few", [str(n) for n in range(9)])
    few = read(tmp_path / "few")
    assert len({one.speaker for part in few.parts for one in part}) == 9
    assert {one.speaker for one in few.test} <= {one.speaker for one in few.train}


def kaldi(folder: Path, count: int = 20) -> Path:
    names = sounds(folder / "wav", count)
    manifest(folder, "wav.scp", [f"utt{i} wav/{name}" for i, name in enumerate(names)])
    manifest(folder, "text", [f"utt{i} tone {i} here" for i in reversed(range(count))])
    return folder


def test_kaldi_folders(tmp_path: Path) -> None:
    folder = kaldi(tmp_path / "data")
    found = read(folder)
    assert everything(found) == texts()
    assert {one.speaker for part in found.parts for one in part} == {""}
    manifest(folder, "utt2spk", [f"utt{i} s{i % 4}" for i in range(20)])
    found = read(folder)
    assert {(one.text, one.speaker) for part in found.parts for one in part} == {
        (f"tone {i} here", f"s{i % 4}") for i in range(20)
    }


def test_commands_of_kaldi_are_refused_and_never_run(tmp_path: Path) -> None:
    folder, proof = kaldi(tmp_path / "data"), tmp_path / "proof"
    scp = folder / "wav.scp"
    lines = scp.read_text().splitlines()
    lines[3] = f"utt3 touch {proof} && cat {folder}/wav/t3.wav |"
    manifest(folder, "wav.scp", lines)
    with pytest.raises(DataError, match=r"wav\.scp:4: has a command for utt3; none is run"):
        read(folder)
    assert not proof.exists()


def test_what_kaldis_two_lists_do_not_share_is_told(tmp_path: Path) -> None:
    folder = kaldi(tmp_path / "data")
    text = (folder / "text").read_text()
    (folder / "text").write_text(text.replace("utt5 ", "utt55 "))
    with pytest.raises(DataError, match=r"wav\.scp:6: has utt5, of which .*text has no words"):
        read(folder)
    found = read(folder, skip_bad_rows=True)
    assert found.skipped == 2  # utt5 without words, utt55 without sound
    assert len(everything(found)) == 19
    (folder / "text").write_text(text + "utt5 again\n")
    with pytest.raises(DataError, match=r"text:21: has utt5 twice"):
        read(folder)
    (folder / "text").write_text(text)
    (folder / "segments").write_text("utt0 rec 0 1\n")
    with pytest.raises(DataError, match="segments: is not read"):
        read(folder)
    (folder / "segments").unlink()
    (folder / "text").unlink()
    with pytest.raises(DataError, match="text: is missing"):
        read(folder)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("gone.wav,some words", r"list\.csv:12: names .*gone\.wav, which is no file"),
        ("t0.wav,", r"list\.csv:12: has no words"),
        (",some words", r"list\.csv:12: names no file"),
        ("empty.wav,some words", r"empty\.wav: holds 0 samples"),
        ("long.wav,some words", r"long\.wav: lasts 3\.0 s; at most 2 s is taken"),
        ("t0.wav," + "words " * 20, r"list\.csv:12: has 100 letters in 0\.50 s; is it what t0"),
        ("x" * 500 + ".wav,some words", r"list\.csv:12: names .*, which is no file"),
    ],
)
def test_a_bad_row_is_told_with_its_place(tmp_path: Path, row: str, message: str) -> None:
    names = sounds(tmp_path, 10)
    write(tmp_path / "empty.wav", tone(0))
    write(tmp_path / "long.wav", tone(3.0))
    rows = [f"{name},words {i} here" for i, name in enumerate(names)]
    path = manifest(tmp_path, "list.csv", ["path,text", *rows, row])
    with pytest.raises(DataError, match=message):
        read(path)
    found = read(path, skip_bad_rows=True)
    assert found.skipped == 1
    assert len(everything(found)) == 10


def test_what_is_no_list_of_sounds_is_refused(tmp_path: Path) -> None:
    path = manifest(tmp_path, "list.csv", ["a,b", "one,two", "three,four"])
    with pytest.raises(DataError, match="no column of sound files"):
        read(path)
    sounds(tmp_path, 2)
    with pytest.raises(DataError, match="one column"):
        read(manifest(tmp_path, "list.csv", ["path", "t0.wav", "t1.wav"]))
    (tmp_path / "nothing").mkdir()
    with pytest.raises(DataError, match="no training file"):
        read(tmp_path / "nothing")


def test_the_same_sound_with_the_same_text_stays_on_one_side(tmp_path: Path) -> None:
    names = sounds(tmp_path, 10)
    rows = [f"{name},tone {i} here" for i, name in enumerate(names) for _ in range(3)]
    found = read(manifest(tmp_path, "list.csv", ["path,text", *rows]))
    held = [{one.text for one in part} for part in found.parts]
    assert not held[0] & held[1]
    assert not held[0] & held[2]
    assert found.content is not None
    assert len({found.content(one) for part in found.parts for one in part}) == 10
