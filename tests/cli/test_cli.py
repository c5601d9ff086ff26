"""The command line: help, exit codes, and one clear line for every bad input."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

import recurra
from recurra.cells import LRU, LSTM
from recurra.cli import main
from recurra.cli.prose import flowing
from recurra.engines import choose, reread
from recurra.engines.native import library
from recurra.engines.table import Table, here, read, user_file

QUICK = ["--hidden", "8", "--embedding", "8", "--epochs", "1", "--device", "cpu"]
ROWS = [
    f"the {n} was {w}\t{y}"
    for y, w in [("good", "fine"), ("bad", "poor")]
    for n in ["room", "film", "meal", "train", "book", "hotel", "phone"]
]


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    path = tmp_path / "reviews.tsv"
    path.write_text("text\tlabel\n" + "\n".join(ROWS) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def bundle(tmp_path: Path, reviews: Path) -> Path:
    out = tmp_path / "run"
    assert main(["train", "sentiment", "--data", str(reviews), "--out", str(out), *QUICK]) == 0
    return out


def refused(argv: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(argv) == 2
    *told, error = capsys.readouterr().err.strip().split("\n")
    # before the refusal, what a reader assumed
    assert not [line for line in told if line.startswith(("recurra: ", "Traceback"))], told
    assert error.startswith("recurra: ")
    return error


def test_train_predict_evaluate(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    capsys.readouterr()
    assert main(["predict", str(bundle), "the room was fine", "--as-json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["label"] in {"good", "bad"}
    assert sum(answer["probabilities"].values()) == pytest.approx(1)
    lines = tmp_path / "lines.txt"
    lines.write_text("the film was fine\n\nthe meal was poor\n")
    assert main(["predict", str(bundle), "--file", str(lines)]) == 2
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert main(["evaluate", str(bundle), "--as-json"]) == 0
    assert 0 <= json.loads(capsys.readouterr().out)["accuracy"] <= 1


def test_a_recipe_file_lies_under_the_flags(reviews: Path, tmp_path: Path):
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(f'data = "{reviews}"\nhidden = 8\nembedding = 8\nepochs = 1\ncell = "lstm"\n')
    out = tmp_path / "run"
    argv = ["train", "sentiment", "--config", str(recipe), "--cell", "elman", "--out", str(out)]
    assert main(argv) == 0
    stored = json.loads((out / "config.json").read_text())["recipe"]
    assert (stored["cell"], stored["hidden"]) == ("elman", 8)


def test_bad_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    train = ["train", "sentiment", "--out", str(tmp_path / "run"), "--data"]
    assert "no-such" in refused([*train, str(tmp_path / "no-such.tsv")], capsys)
    (tmp_path / "empty.tsv").touch()
    assert "empty" in refused([*train, str(tmp_path / "empty.tsv")], capsys)
    (tmp_path / "binary.tsv").write_bytes(bytes(range(256)) * 8)
    assert "text" in refused([*train, str(tmp_path / "binary.tsv")], capsys)
    (tmp_path / "columns.tsv").write_text("\n".join([*ROWS[:6], "one\ttwo\tthree", *ROWS[6:]]))
    assert "columns.tsv:7" in refused([*train, str(tmp_path / "columns.tsv")], capsys)
    (tmp_path / "long.tsv").write_text("\n".join([*ROWS, "x" * 1_000_000 + "\tgood"]))
    assert "long.tsv:15" in refused([*train, str(tmp_path / "long.tsv")], capsys)
    (tmp_path / "zero.tsv").write_text("\n".join([*ROWS[:3], "\tgood", *ROWS[3:]]))
    assert "zero.tsv:4" in refused([*train, str(tmp_path / "zero.tsv")], capsys)


def test_an_unknown_label_in_the_test_part(
    tmp_path: Path, reviews: Path, capsys: pytest.CaptureFixture[str]
):
    test = tmp_path / "test.tsv"
    test.write_text("text\tlabel\nthe room was fine\tgood\nthe film was odd\tstrange\n")
    argv = ["train", "sentiment", "--data", str(reviews), "--test", str(test), *QUICK]
    error = refused([*argv, "--out", str(tmp_path / "a")], capsys)
    assert "test.tsv:3" in error
    assert "strange" in error
    assert main([*argv, "--out", str(tmp_path / "b"), "--skip-bad-rows"]) == 0
    assert json.loads((tmp_path / "b/config.json").read_text())["metrics"]["skipped_rows"] == 1


def test_nan_in_images(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    x = np.random.default_rng(0).random((30, 8, 8)).astype(np.float32)
    x[11, 3, 3] = np.nan
    np.savez(tmp_path / "images.npz", x=x, y=np.arange(30) % 3)
    argv = ["train", "image_classification", "--data", str(tmp_path / "images.npz")]
    error = refused([*argv, "--out", str(tmp_path / "run")], capsys)
    assert "images.npz:12" in error


def test_unknown_names_are_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]):
    assert "'gru'" in refused(["train", "ner", "--cell", "gruu"], capsys)
    assert "--hidden" in refused(["train", "ner", "--hiden", "3"], capsys)
    assert "sentiment" in refused(["train", "sentimnt"], capsys)
    assert "predict" in refused(["predikt"], capsys)
    assert "hidden" in refused(["train", "ner", "--hidden", "0"], capsys)


def test_damaged_bundles(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    weights = bundle / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    assert "model.safetensors" in refused(["predict", str(bundle), "fine"], capsys)
    weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert "damaged" in refused(["predict", str(bundle), "fine"], capsys)
    assert "does not exist" in refused(["predict", str(tmp_path / "none"), "fine"], capsys)


def test_a_sentiment_model_does_not_generate(bundle: Path, capsys: pytest.CaptureFixture[str]):
    error = refused(["generate", str(bundle)], capsys)
    assert "use recurra predict" in error


def test_check_prints_the_laws_and_their_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    good = """
import torch
from typing import NamedTuple
from recurra import Cell
class S(NamedTuple):
    h: torch.Tensor
class Mine(Cell[S]):
    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.weight = torch.nn.Linear(input_size, hidden_size)
    def initial_state(self, batch):
        return S(self.zeros(batch, self.hidden_size))
    def step(self, u, state):
        h = torch.tanh(self.weight(u) + state.h)
        return h, S(h)
"""
    (tmp_path / "good.py").write_text(good)
    (tmp_path / "bad.py").write_text(good.replace("+ state.h", "+ state.h.mean(0)"))
    assert main(["check", f"{tmp_path / 'good.py'}:Mine"]) == 0
    assert main(["check", f"{tmp_path / 'bad.py'}:Mine"]) == 1
    assert "BROKEN" in capsys.readouterr().out
    assert "does not import" in refused(["check", "no_such_file.py:Mine"], capsys)


@pytest.mark.parametrize("command", ["tasks", "cells", "engines"])
def test_lists(command: str, capsys: pytest.CaptureFixture[str]):
    assert main([command]) == 0
    assert len(capsys.readouterr().out.splitlines()) > 6


def test_engines_are_measured_and_the_table_is_kept(
    monkeypatch: pytest.MonkeyPatch, nothing_measured: Table, capsys: pytest.CaptureFixture[str]
):
    times = {"native": 3.0, "scan": 2.0, "vendor": 1.0, "loop": 4.0}

    def told(candidates: dict[str, object], *_: object) -> dict[str, float]:
        return {name: times[name] for name in candidates}

    monkeypatch.setattr("recurra.engines.measurement.medians", told)
    assert main(["engines", "--measure"]) == 0
    shown = capsys.readouterr()
    path = user_file()
    assert f"the table is in {path}" in shown.out
    assert "measurements: your own table" in shown.out
    assert shown.err == ""  # no bar where there is no terminal
    assert ("LSTM", "train", (8, 16, 64)) in read(path).faster
    assert choose(LSTM(64, 64), torch.zeros(8, 16, 64)).name == "vendor"
    assert choose(LRU(64, 64), torch.zeros(8, 16, 64)).name == "scan"
    usual = len(read(path).shapes)
    assert main(["engines", "--quick"]) == 0
    assert 0 < len(read(path).shapes) < usual


def test_engines_tell_the_table_of_each_device(
    monkeypatch: pytest.MonkeyPatch, nothing_measured: Table, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("recurra.engines.survey", lambda place: [])
    monkeypatch.setattr("recurra.engines.table.gpu", lambda device: "GPU" * (device.type == "cuda"))
    measured: list[str] = []

    def told(asked: object, *, device: torch.device) -> Table:
        measured.append(device.type)
        return Table(*here(torch.get_num_threads(), "GPU" * (device.type == "cuda")), (), {})

    monkeypatch.setattr("recurra.engines.measurement.measure", told)
    assert main(["engines"]) == 0
    assert f"measurements: no table (on GPU, torch {torch.__version__})" in capsys.readouterr().out
    assert main(["engines", "--quick"]) == 0
    shown = capsys.readouterr().out
    assert measured == ["cpu", "cuda"]
    assert f"measurements: your own table (on GPU, torch {torch.__version__})" in shown
    assert str(user_file("GPU")) in shown


def test_engines_tell_what_is_ignored_and_what_is_not_built(
    monkeypatch: pytest.MonkeyPatch, nothing_measured: Table, capsys: pytest.CaptureFixture[str]
):
    user_file().write_text("{")
    reread()
    monkeypatch.setattr(library, "_find", lambda: None)
    assert main(["engines"]) == 0
    shown = capsys.readouterr().out
    assert f"ignored: {user_file()}: it is no JSON" in shown
    assert "measurements: no table" in shown
    assert "native kernels: the native library is not built here" in shown


def test_help_does_not_wait_for_torch():
    code = (
        "import sys; from recurra.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass"
    )
    code += "\nslow = {'torch', 'numpy', 'tokenizers', 'rich.markdown'} & set(sys.modules)"
    code += "\nassert not slow, f'{slow} imported'"
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "recurra train sentiment" in done.stdout
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("code", "kept_out"),
    [
        pytest.param("import recurra", {"torch", "numpy", "jaxtyping"}, id="the package"),
        pytest.param(
            "import recurra; [getattr(recurra, name) for name in recurra.__all__]",
            # half of the time that torch itself takes; they are for training, drawings, files
            {"lightning_fabric", "torchdata", "torch._dynamo", "sympy", "matplotlib", "PIL"},
            id="all its names",
        ),
    ],
)
def test_import_waits_for_nothing_slow(code: str, kept_out: set[str]):
    code += f"; import sys; slow = {kept_out} & set(sys.modules); assert not slow, slow"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", [["train", "ner", "--help"], ["cells"]])
def test_a_reader_that_has_seen_enough_is_no_error(command: list[str]):
    run = [sys.executable, "-m", "recurra", *command]
    with subprocess.Popen(run, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_whole_numbers_are_not_rounded(capsys: pytest.CaptureFixture[str]):
    assert "'3.5'" in refused(["train", "ner", "--hidden", "3.5"], capsys)
    assert "'1.5'" in refused(["generate", "runs/x", "--count", "1.5"], capsys)


def test_errors_name_the_help_that_tells_more(capsys: pytest.CaptureFixture[str]):
    error = refused(["train", "ner", "--bidirectional", "true"], capsys)
    assert "'true'" in error
    assert "recurra train ner --help" in error
    assert "after --" in refused(["predict", "runs/x", "-5 degrees"], capsys)


def test_a_cell_that_fails_is_told_before_the_data_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    source = """
import torch
from typing import NamedTuple
from recurra import Cell
class S(NamedTuple):
    h: torch.Tensor
class Mine(Cell[S]):
    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.weight = torch.nn.Linear(input_size, hidden_size)
    def initial_state(self, batch):
        return S(self.zeros(batch, self.hidden_size))
    def step(self, u, state):
        h = self.weight(u) @ state.h
        return h, S(h)
"""
    (tmp_path / "mine.py").write_text(source)
    cell = f"{tmp_path / 'mine.py'}:Mine"
    train = ["train", "ner", "--data", str(tmp_path / "no-such-file"), "--cell"]
    error = refused([*train, cell], capsys)
    assert "shapes cannot be multiplied" in error
    assert "recurra check" in error
    assert "gru" in refused([*train, "gruu"], capsys)
    assert "scan cannot run LSTM" in refused([*train, "lstm", "--engine", "scan"], capsys)
    error = refused([*train, "elman", "--time-scale", "9"], capsys)
    assert "choose one of lstm" in error


def test_a_run_that_failed_before_its_first_step_is_no_model(
    tmp_path: Path,
    reviews: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    argv = ["train", "sentiment", "--data", str(reviews), "--out", str(tmp_path / "run"), *QUICK]
    assert main([*argv, "--tensorboard"]) == 2
    assert main(argv) == 0
    assert "holds a model already" in refused(argv, capsys)


def test_predict_counts_the_lines_of_its_file(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    lines = tmp_path / "lines.txt"
    lines.write_text("fine\n" * 600 + "x" * 100_001)
    argv = ["predict", str(bundle), "--file", str(lines)]
    assert "1 of 601 inputs has no answer" in refused(argv, capsys)
    assert "not both" in refused([*argv, "fine"], capsys)
    assert "missing" in refused(["predict", str(bundle), "--file", str(tmp_path / "no")], capsys)


def test_a_full_disk_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("recurra.demo.run", full)
    assert "No space left" in refused(["demo", "--out", str(tmp_path)], capsys)


def test_generate_writes_over_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    from tests.tasks.conftest import TINY, write_midi

    (tmp_path / "midi").mkdir()
    model = recurra.train(
        "music_generation", data=write_midi(tmp_path / "midi"), out=str(tmp_path / "run"), **TINY
    )
    assert model.metrics["stopped"] == "epochs"
    monkeypatch.chdir(tmp_path)
    argv = ["generate", "run", "--max-length", "20"]
    assert main(argv) == 0
    first = (tmp_path / "tune-1.mid").read_bytes()
    assert main([*argv, "--count", "2", "--seed", "1"]) == 0
    assert (tmp_path / "tune-1.mid").read_bytes() == first
    assert (tmp_path / "tune-3.mid").exists()
    assert "give a folder" in refused([*argv, "--count", "2", "--out", "a.mid"], capsys)
    assert "count" in refused([*argv, "--count", "0"], capsys)
    assert "cannot be written" in refused([*argv, "--out", "run/config.json/a.mid"], capsys)


def test_paragraphs_of_help_flow_and_examples_stay():
    def command() -> None:
        """Do it.

        A paragraph that
        goes on.

            recurra do it
            recurra do more

        Parameters
        ----------
        one
            What it is,
            and why.
        two
            Another.
        """

    text = (
        "Do it.\n\nA paragraph that goes on.\n\n    recurra do it\n    recurra do more\n\n"
        "Parameters\n----------\none\n    What it is, and why.\ntwo\n    Another."
    )
    assert flowing(command).__doc__ == text
    assert flowing(command).__doc__ == text  # once more changes nothing


def test_a_wrong_number_clears_no_demo(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "results.json").write_text("{}", encoding="utf-8")
    assert "seed" in refused(["demo", "--out", str(tmp_path), "--seed", "-1"], capsys)
    assert (tmp_path / "results.json").exists()


def test_bench_reads_data_that_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    argv = ["bench", "speed", "--question", "training", "--out", str(tmp_path / "out")]
    assert "is no folder" in refused([*argv, "--data", str(tmp_path / "no")], capsys)
    assert not (tmp_path / "out").exists()
