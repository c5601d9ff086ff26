"""`recurra diagnose` on a user's function and on a trained model, right and wrong."""

import json
from pathlib import Path

import pytest

from recurra.cli import main

SCRIPT = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.head = nn.LSTM(3, 8, batch_first=True), nn.Linear(8, 1)

    def forward(self, x):
        return self.head(self.lstm(x)[0][:, -1])

def build_model():
    return Net(), (torch.randn(2, 80, 3), torch.randn(2, 1)), nn.MSELoss()

def half():
    return Net()

def broken():
    raise ValueError("mine")
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(SCRIPT)
    return path


def test_a_function_of_the_users_and_its_cure(
    script: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "found"
    assert main(["diagnose", f"{script}:build_model", "--out", str(out), "--cure"]) == 0
    printed = capsys.readouterr().out
    assert "vanishing lstm" in printed
    assert "applied to a new model: model.lstm: chrono" in printed
    told = json.loads((out / "report.json").read_text())
    assert told["before"]["findings"][0]["verdict"] == "vanishing"
    assert told["findings"][0]["verdict"] == "healthy"
    assert told["layers"][0]["horizon"] >= 2 * told["before"]["layers"][0]["horizon"]
    assert "Findings before" in (out / "report.html").read_text()
    assert main(["diagnose", f"{script}:build_model", "--out", str(out), "--as-json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((out / "report.json").read_text())


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("half", [], "returned a Net; it returns (model, batch, loss_fn)"),
        ("broken", [], "fails: ValueError: mine"),
        ("missing", [], "has no function missing"),
        ("build_model", ["--data", "x.tsv"], "--data is of a trained model"),
    ],
)
def test_what_is_wrong_is_one_line(
    name: str, options: list[str], words: str, script: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["diagnose", f"{script}:{name}", *options]) == 2
    told = capsys.readouterr().err
    assert words in told
    assert told.count("\n") == 1


def test_no_such_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["diagnose", str(tmp_path / "nowhere")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
