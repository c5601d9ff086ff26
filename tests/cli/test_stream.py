"""`recurra stream`: text, rows, notes and samples as they come, and one line for what is wrong."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recurra.cli import main
from recurra.tasks.model import load
from tests.cli.test_cli import refused
from tests.tasks.streams.made import heard, made
from tests.tasks.streams.test_sounds import CAUSAL, sound


def saved(name: str, folder: Path, **fields: Any) -> str:
    home = folder / name
    home.mkdir()
    return str(made(name, home, **fields).save(home / "bundle"))


def piped(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    class Pipe(io.BytesIO):
        """Has as much as it likes to give."""

        def read1(self, most: int | None = -1, /) -> bytes:
            return super().read1(min(most or 0, 1021))

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Pipe(content)))


def lines(capsys: pytest.CaptureFixture[str]) -> list[Any]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_words_of_a_file_and_of_a_pipe(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    bundle = saved("ner", tmp_path, bidirectional=False, lookahead=2)
    text = "Ann met\nFlo in São Paulo. " * 170
    (tmp_path / "said.txt").write_text(text, encoding="utf-8")
    capsys.readouterr()
    assert main(["stream", bundle, "--file", str(tmp_path / "said.txt"), "--as-json"]) == 0
    told = lines(capsys)
    assert told == heard(load(bundle), [text])
    piped(monkeypatch, b"Ann met S\xc3\xa3o")
    assert main(["stream", bundle]) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [row[1] for row in rows] == ["Ann", "met", "São"]
    assert rows[0] == ["1", "Ann", told[0]["tag"]]
    piped(monkeypatch, b"Ann \xff met")
    assert "no UTF-8" in refused(["stream", bundle], capsys)


def test_rows_of_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    bundle = saved("signal_classification", tmp_path)
    file = tmp_path / "rows.csv"
    file.write_text("0.1, 9.5\n0.2\t10\n[0.5, 11]\n")
    capsys.readouterr()
    assert main(["stream", bundle, "--file", str(file), "--as-json"]) == 0
    told = lines(capsys)
    assert told == heard(load(bundle), [[0.1, 9.5], [0.2, 10.0], [0.5, 11]])
    assert main(["stream", bundle, "--file", str(file)]) == 0
    p = told[0]["probabilities"][told[0]["label"]]
    assert capsys.readouterr().out.splitlines()[0] == f"1\t{told[0]['label']}\t{p:.1%}"
    for wrong, says in [
        ("0.1,0.2\n1,2,3\n", "rows.csv:2: a frame has 3 numbers"),
        ("heat,flow\n", "rows.csv:1 is no row; give numbers"),
        ("[1, 2\n", "rows.csv:1 is no row"),
        ("1,\n", "rows.csv:1: a frame holds"),
        ("1" * (1 << 21), "more than 1,048,576 bytes"),
    ]:
        file.write_text(wrong)
        assert says in refused(["stream", bundle, "--file", str(file)], capsys)
    assert "is a folder" in refused(["stream", bundle, "--file", str(tmp_path)], capsys)
    assert "is missing" in refused(["stream", bundle, "--file", str(file) + "x"], capsys)


def test_notes_and_alarms(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    bundle = saved("polyphonic_music", tmp_path)
    piped(monkeypatch, b"60 64 67\n\n[62]\n")
    capsys.readouterr()
    assert main(["stream", bundle, "--as-json"]) == 0
    assert lines(capsys) == heard(load(bundle), [[60, 64, 67], [], [62]])
    bundle = saved("anomaly_detection", tmp_path, bptt=24, calendar=False)
    piped(monkeypatch, b'1,2\n,3\n{"values": [1, null]}\n')
    capsys.readouterr()
    assert main(["stream", bundle]) == 0
    out = capsys.readouterr().out.splitlines()
    assert [line.split("\t") for line in out] == [
        [str(step), "0.0", "False", "-", "-"] for step in (1, 2, 3)
    ]


def test_samples_of_a_file_and_of_a_pipe(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    soundfile = pytest.importorskip("soundfile")  # of the extra "audio"
    bundle = saved("speech_recognition", tmp_path, **CAUSAL)
    x = sound(4000)
    soundfile.write(tmp_path / "said.wav", x, 8000, subtype="FLOAT")
    capsys.readouterr()
    assert main(["stream", bundle, "--file", str(tmp_path / "said.wav"), "--as-json"]) == 0
    told = lines(capsys)
    assert told == heard(load(bundle), [x])
    piped(monkeypatch, x.astype("<f4").tobytes() + b"\0")
    assert main(["stream", bundle]) == 0
    assert capsys.readouterr().out == "".join(one["text"] for one in told) + "\n"
    piped(monkeypatch, np.array([np.nan], "<f4").tobytes())
    assert "standard input: a frame holds" in refused(["stream", bundle], capsys)


def test_what_waits_for_its_end_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    bundle = saved("sentiment", tmp_path)
    capsys.readouterr()
    assert "--no-bidirectional" in refused(["stream", bundle], capsys)
