"""What the command line hands on to a model, and what it says of a run; the model is a stand-in."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from recurra.cli import main
from recurra.tasks import model as models
from recurra.tasks.model import Model
from recurra.tasks.run import Run

METRICS = {
    "baseline": {"accuracy": 0.25},
    "test": {"accuracy": 0.75},
    "best_step": 3,
    "stopped": "epochs",
}


class Stand(SimpleNamespace, Model):
    """A model that writes down how it was asked."""

    def __init__(self, kind: str) -> None:
        task = SimpleNamespace(
            type=kind, parse=str, example="G major", name="a task", options=["beam"], write=str
        )
        super().__init__(task=task, metrics=METRICS, asked=[])

    def evaluate(self, *data: Any) -> dict[str, float]:
        self.asked.append(data)
        return {"accuracy": 0.5}

    def predict(self, inputs: list[Any], **options: Any) -> list[Any]:
        self.asked.append((inputs, options))
        return [SimpleNamespace(asdict=lambda text=text: {"text": text}) for text in inputs]

    def write(self, inputs: list[Any], tell: Any, **options: Any) -> list[Any]:
        self.asked.append((inputs, options))
        for part in ("one", " two"):
            tell(part)
        return [SimpleNamespace()]


@pytest.fixture
def stand(monkeypatch: pytest.MonkeyPatch) -> Stand:
    model = Stand("one-to-many")
    monkeypatch.setattr(models, "load", lambda *_, **__: model)
    return model


def test_evaluate_is_of_the_data_that_is_named(stand: Stand, capsys: pytest.CaptureFixture[str]):
    assert main(["evaluate", "run", "--data", "mine.tsv", "--as-json"]) == 0
    assert stand.asked == [("mine.tsv",)]
    assert json.loads(capsys.readouterr().out) == {"accuracy": 0.5}
    assert main(["evaluate", "run"]) == 0
    assert stand.asked[1] in [(None,), ()]


def test_predict_hands_on_its_beam(stand: Stand):
    assert main(["predict", "run", "one", "--beam", "7", "--as-json"]) == 0
    assert main(["predict", "run", "one", "--as-json"]) == 0
    assert stand.asked == [(["one"], {"beam": 7}), (["one"], {})]


def test_generate_hands_on_seed_and_filters(stand: Stand):
    flags = ["--seed", "5", "--count", "2", "--temperature", "0.5", "--top-k", "3"]
    flags += ["--top-p", "0.25", "--max-length", "9"]
    assert main(["generate", "run", "C minor", *flags]) == 0
    ((inputs, options),) = stand.asked
    assert inputs == ["C minor", "C minor"]
    assert options == {
        "seed": 5, "beam": 0, "temperature": 0.5, "top_k": 3, "top_p": 0.25, "max_length": 9,
    }  # fmt: skip  # read as a table


def test_generate_shows_what_is_written_and_refuses_what_writes_nothing(
    stand: Stand, capsys: pytest.CaptureFixture[str]
):
    assert main(["generate", "run", "C minor"]) == 0
    assert capsys.readouterr().out == "one two\n"
    stand.task.write = None
    assert main(["generate", "run", "C minor"]) == 2
    assert "use recurra predict" in capsys.readouterr().err


def trained(monkeypatch: pytest.MonkeyPatch, folder: Path, stopped: str) -> int:
    model = Stand("many-to-one")
    model.metrics = {**METRICS, "stopped": stopped}
    monkeypatch.setattr(Run, "train", lambda _: model)
    return main(["train", "sentiment", "--out", str(folder / "run")])


def test_an_interrupted_run_ends_with_130_and_a_whole_one_with_0(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert trained(monkeypatch, tmp_path, "interrupted") == 130
    assert "go on with: recurra train sentiment --resume" in capsys.readouterr().out
    assert trained(monkeypatch, tmp_path, "terminated") == 143
    for stopped in ("epochs", "time", "patience"):
        assert trained(monkeypatch, tmp_path, stopped) == 0


def test_the_model_stands_before_its_baseline(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    trained(monkeypatch, tmp_path, "epochs")
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "accuracy" in line]
    assert line.index("0.7500") < line.index("0.2500")


def test_ctrl_c_anywhere_ends_with_130(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    def pressed(_: Run) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Run, "train", pressed)
    assert main(["train", "sentiment", "--out", str(tmp_path / "run")]) == 130
    assert capsys.readouterr().err == "recurra: interrupted\n"


def test_a_benchmark_that_failed_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    for failed in (["classic lstm: no answer"], []):
        monkeypatch.setattr("recurra.benchmarks.run.run", lambda *_, f=failed, **__: f)
        assert main(["bench", "speed", "--quick"]) == len(failed)
        assert ("failed: classic lstm" in capsys.readouterr().out) == bool(failed)
