"""Options of `predict` and `evaluate`, answers that are files, and the peers of a run."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from recurra.cli import main
from recurra.tasks import model as models
from recurra.tasks.run import Run

from .test_exit_codes import METRICS, Stand


class Written(SimpleNamespace):
    """An answer that is a file."""

    def __str__(self) -> str:
        return f"about {self.text}"

    def save(self, path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.text)
        return path


class Author(Stand):
    def __init__(self) -> None:
        super().__init__("many-to-many unequal")
        self.fields: list[dict[str, Any]] = []

    def predict(self, inputs: list[Any], **options: Any) -> list[Any]:
        return [Written(text=text) for text in inputs]

    def evaluate(self, data: str | None = None, **fields: Any) -> dict[str, float]:
        self.fields.append(fields)
        return {"accuracy": 0.5}


@pytest.fixture
def author(monkeypatch: pytest.MonkeyPatch) -> Author:
    model = Author()
    monkeypatch.setattr(models, "load", lambda *_, **__: model)
    return model


def test_evaluate_takes_the_options_of_data_and_decoding(author: Author):
    flags = ["--text-column", "review", "--tag-column", "t", "--beam", "3", "--skip-bad-rows"]
    assert main(["evaluate", "run", "--data", "x.csv", *flags]) == 0
    assert main(["evaluate", "run"]) == 0
    assert author.fields == [
        {"text_column": "review", "tag_column": "t", "beam": 3, "skip_bad_rows": True},
        {},
    ]


def test_a_value_that_no_task_takes_is_refused_before_the_model_is_loaded(
    capsys: pytest.CaptureFixture[str],
):
    assert main(["predict", "nowhere", "x", "--top-p", "1.5"]) == 2
    assert "top_p: received 1.5" in capsys.readouterr().err


def test_answers_are_written_where_out_says(
    author: Author, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    one, many = tmp_path / "one.csv", tmp_path / "many"
    assert main(["predict", "run", "a", "--out", str(one)]) == 0
    assert one.read_text() == "a"
    assert str(one) in capsys.readouterr().out
    assert main(["predict", "run", "a", "b", "--out", str(many)]) == 0
    assert sorted(path.read_text() for path in many.iterdir()) == ["a", "b"]
    assert main(["predict", "run", "a", "b", "--out", str(tmp_path / "x.csv")]) == 2
    assert "is one file, for several answers" in capsys.readouterr().err


def test_answers_that_are_no_files_are_not_written(
    author: Author, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(Author, "predict", lambda self, inputs, **_: [str(i) for i in inputs])
    assert main(["predict", "run", "a", "--out", "x.csv"]) == 2
    assert "these answers are no files" in capsys.readouterr().err


def test_peers_stand_beside_the_model(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    model = Stand("many-to-one")
    model.metrics = {**METRICS, "peers": {"logistic": {"accuracy": 0.625}}}
    monkeypatch.setattr(Run, "train", lambda _: model)
    assert main(["train", "sentiment", "--out", str(tmp_path / "run")]) == 0
    shown = capsys.readouterr().out
    assert "logistic" in shown
    row = next(line for line in shown.splitlines() if "accuracy" in line)
    assert [part.strip() for part in row.split("│")[1:-1]] == [
        "accuracy",
        "0.7500",
        "0.2500",
        "0.6250",
    ]
