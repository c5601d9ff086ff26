import io
import json

import pytest

from recurra.errors import RecurraError
from recurra.training.checkpoint import RunFolder
from recurra.training.fit import fit
from recurra.training.progress import Progress
from tests.training.tiny import collate, network, recipe, rows, validate

ENTRY = {
    "step": 12,
    "epoch": 1.5,
    "seconds": 61.0,
    "train_loss": 0.25,
    "learning_rate": 0.002,
    "tokens_per_second": 1234.5,
    "f1": 0.875,
    "loss": None,
}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_plain_lines_where_there_is_no_terminal():
    file = io.StringIO()
    with Progress(file=file) as progress:
        progress.stepped(0.5, 2, 0.3, 100.0)
        progress.validated(ENTRY, "f1", True)
        progress.validated(ENTRY, "f1", False)
    line = "epoch 1.5  step 12  61 s  train_loss 0.25  f1 0.875  loss nan"
    assert file.getvalue().splitlines() == [f"{line}  best", line]


def test_bar_on_a_terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    file = Terminal()
    with Progress(file=file) as progress:
        progress.validated(ENTRY, "f1", True)
        progress.stepped(0.5, 2, 0.3, 1234.0)
        progress.bar.refresh()
    text = file.getvalue()
    for part in ("epoch 2", "50%", "loss 0.3000", "f1 0.875", "1,234 tokens/s", "━"):
        assert part in text


def test_quiet():
    file = Terminal()
    with Progress(quiet=True, file=file) as progress:
        progress.stepped(0.5, 2, 0.3, 100.0)
        progress.validated(ENTRY, "f1", True)
    assert file.getvalue() == ""


def test_a_run_shows_each_validation():
    file = io.StringIO()
    fit(
        network(),
        rows(),
        collate,
        recipe=recipe(epochs=2),
        run=None,
        validate=validate,
        metric="loss",
        higher=False,
        progress=Progress(file=file),
    )
    first, second = file.getvalue().splitlines()
    assert first.startswith("epoch 1  step 6 ")
    assert second.startswith("epoch 2  step 12 ")
    assert first.endswith("best")


def test_log_is_cut_back_and_torn_lines_are_dropped(tmp_path):
    run = RunFolder(tmp_path)
    for step in 3, 6, 9:
        run.record({"step": step, "loss": None})
    with run.log.open("a") as file:
        file.write('{"step": 12, "lo')
    kept = run.rewind(6)
    assert [entry["step"] for entry in kept] == [3, 6]
    assert [json.loads(line) for line in run.log.read_text().splitlines()] == kept


def test_log_that_cannot_be_written(tmp_path):
    run = RunFolder(tmp_path / "none")
    with pytest.raises(RecurraError, match=r"metrics.jsonl cannot be written: No such file"):
        run.record({})


def test_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RecurraError, match="cannot be written"):
        RunFolder(tmp_path / "file" / "run").begin()
