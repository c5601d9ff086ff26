"""Arguments that no run can use are one line, and those that look odd are used."""

import json
from pathlib import Path

import pytest

import recurra
from recurra.cli import main
from tests.cli.test_cli import refused
from tests.tasks.conftest import TINY, write_reviews

TINY_FLAGS = ["--embedding", "8", "--epochs", "1", "--device", "cpu"]


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--batch-size", "9" * 30], "below 2**31"),
        (["--epochs", "9" * 30], "below 2**31"),
        (["--threads", "99999"], "from 0 to 1024"),
        (["--out", "a\0b"], "out: received"),
        (["--config", "a\0b"], "cannot be read"),
        (["--data", "a\0b"], "data: received"),
    ],
    ids=lambda given: given[0] if isinstance(given, list) else "",
)
def test_of_train(tmp_path: Path, flags: list[str], says: str, capsys: pytest.CaptureFixture[str]):
    argv = ["train", "sentiment", "--hidden", "8", "--embedding", "8"]
    argv += [] if "--data" in flags else ["--data", write_reviews(tmp_path)]
    argv += [] if "--out" in flags else ["--out", str(tmp_path / "run")]
    assert says in refused([*argv, *flags], capsys)
    assert not (tmp_path / "run").exists()


def test_of_generate_and_bench(capsys: pytest.CaptureFixture[str]):
    assert "from 1 to 10,000" in refused(["generate", "x", "--count", "9" * 30], capsys)
    assert "from 0 to 1024" in refused(["bench", "speed", "--threads", "99999"], capsys)


def test_memory_that_lacks_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    for error in (MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")):

        def lacks(*_: object, error: Exception = error, **__: object) -> None:
            raise error

        monkeypatch.setattr("recurra.tasks.model.load", lacks)
        assert "not enough memory" in refused(["evaluate", "x"], capsys)


def test_a_folder_whose_name_is_no_text_holds_a_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "caf\udce9"
    argv = ["train", "sentiment", "--data", write_reviews(tmp_path), "--hidden", "8"]
    code = main([*argv, "--out", str(out), *TINY_FLAGS])
    error = capsys.readouterr().err
    assert "internal error" not in error
    if code == 0:
        assert json.loads((out / "config.json").read_bytes())["recipe"]["out"] == str(out)
    else:
        assert (code, out.exists()) == (2, False)


def test_evaluate_reads_the_data_it_is_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    data = write_reviews(tmp_path)
    fields = {**TINY, "epochs": 6, "learning_rate": 0.03}
    recurra.train("sentiment", data=data, out=str(tmp_path / "run"), **fields)
    head, *rows = Path(data).read_text().splitlines()
    swap = {"good": "bad", "bad": "good"}
    swapped = [f"{text}\t{swap[label]}" for text, label in (row.split("\t") for row in rows)]
    other = tmp_path / "swapped.tsv"
    other.write_text("\n".join([head, *swapped]))
    found = []
    for path in data, str(other):
        capsys.readouterr()
        assert main(["evaluate", str(tmp_path / "run"), "--data", path, "--as-json"]) == 0
        found.append(json.loads(capsys.readouterr().out)["accuracy"])
    assert found[0] > 0.9
    assert found[0] + found[1] == pytest.approx(1)
