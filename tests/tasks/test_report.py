"""The page beside a bundle: when it is written, of which rows, and what it refuses."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import recurra
from recurra.bundle import RESERVED
from recurra.cli import main
from recurra.errors import RecurraError
from recurra.reports import Table
from recurra.tasks import report
from recurra.tasks.catalogue import TASKS
from recurra.tasks.model import Model
from tests.reports.reading import read, table

from .conftest import TINY, write_images, write_pairs, write_reviews


@pytest.fixture(scope="module")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = tmp_path_factory.mktemp("reviews")
    return recurra.train("sentiment", data=write_reviews(folder), out=str(folder / "run"), **TINY)


def test_every_task_shows_more_than_its_figures():
    assert [task.name for task in TASKS if task.review is None] == []
    assert "report.html" in RESERVED


def test_a_page_that_cannot_be_written_costs_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def fails(*_: Any) -> None:
        raise ZeroDivisionError("two\nlines")

    monkeypatch.setattr(report, "parts", fails)
    recurra.train("sentiment", data=write_reviews(tmp_path), out=str(tmp_path / "run"), **TINY)
    told = [line for line in capsys.readouterr().err.splitlines() if "report.html" in line]
    page = tmp_path / "run/report.html"
    assert told == [f"{page} was not written: ZeroDivisionError: two lines"]
    assert not page.exists()
    assert recurra.load(tmp_path / "run").predict(["the room was fine"])


def test_the_first_process_alone_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from recurra.tasks.run import Run, complete
    from recurra.tasks.sentiment import SENTIMENT

    given = {"data": write_reviews(tmp_path), "out": str(tmp_path / "run"), **TINY}
    run = Run(SENTIMENT, complete(SENTIMENT, given), quiet=True)
    run.first = False
    run.train()
    assert not (tmp_path / "run/report.html").exists()


def test_a_run_that_begins_anew_forgets_the_page(tmp_path: Path):
    from recurra.training.checkpoint import RunFolder

    (tmp_path / "report.html").write_text("old")
    RunFolder(tmp_path).begin()
    assert not (tmp_path / "report.html").exists()


def test_of_many_rows_the_first_thousand_are_looked_at(reviews: Model, tmp_path: Path):
    texts = ["the room was fine", "this film was awful", "my meal was odd", "a train"]
    rows = [f"{texts[i % 4]} {i}\t{('good', 'bad')[i % 3 == 0]}" for i in range(1500)]
    path = tmp_path / "many.tsv"
    path.write_text("text\tlabel\n" + "\n".join(rows) + "\n")
    metrics = reviews.report(tmp_path / "many.html", str(path))
    text = (tmp_path / "many.html").read_text()
    assert "1,500 test rows" in text
    assert "is of the first 1,000 of them" in text
    counts = table(text, "Confusions")
    total = sum(
        int(n.replace(",", "").replace("·", "0")) for r in counts.values() for n in r.values()
    )
    assert total == 1000
    answers = [a.label for a in reviews.predict([row.split("\t")[0] for row in rows])]
    right = [a == row.split("\t")[1] for a, row in zip(answers, rows, strict=True)]
    assert metrics["accuracy"] == pytest.approx(np.mean(right))
    hits = sum(int(counts[label][label].replace("·", "0")) for label in counts)
    assert hits == sum(right[:1000])
    small = reviews.report(tmp_path)  # its own data
    assert small == reviews.metrics["test"]
    assert "of the first" not in (tmp_path / "report.html").read_text().partition("Test part")[0]


def test_a_label_that_is_unknown_is_refused_in_one_line(reviews: Model, tmp_path: Path):
    (tmp_path / "odd.tsv").write_text("text\tlabel\nfine\tgood\nbad\tawful\nodd\tstrange\n")
    with pytest.raises(RecurraError, match="unknown to this model"):
        reviews.report(tmp_path / "odd.html", str(tmp_path / "odd.tsv"))
    assert not (tmp_path / "odd.html").exists()


@pytest.mark.parametrize("place", ["model.safetensors", "nowhere/page.html", "page"])
def test_no_file_but_a_page_is_written_over(
    place: str, reviews: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "model.safetensors").write_text("weights")
    folder = str(reviews.folder)
    assert main(["evaluate", folder, "--report", str(tmp_path / place)]) == 2
    assert "ends in .html" in capsys.readouterr().err
    assert (tmp_path / "model.safetensors").read_text() == "weights"
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


def test_a_page_that_the_disk_refuses_is_one_line(reviews: Model, tmp_path: Path):
    (tmp_path / "page.html").mkdir()
    (tmp_path / "page.html" / "report.html").mkdir()
    with pytest.raises(RecurraError, match="cannot be written"):
        reviews.report(tmp_path / "page.html")


def test_a_log_of_anything_gives_curves_of_its_numbers(reviews: Model, tmp_path: Path):
    odd = [
        {"step": 1, "train_loss": 2.0, "loss": "x", "accuracy": True},
        {"step": 10**400, "train_loss": 1.0, "loss": 10**400},
        {"step": "2", "train_loss": 1.0},
        {"step": 3, "train_loss": None, "loss": 0.5},
        {"step": 4, "train_loss": 1.0, "loss": 1e999},
    ]
    lines = "".join(json.dumps(entry) + "\n" for entry in odd) + '[1]\n{"step": 5, "tra\n\xff\n'
    (tmp_path / "metrics.jsonl").write_text(lines, encoding="latin-1")
    lossy, _ = report.curves(dataclasses.replace(reviews, folder=tmp_path))
    assert lossy.points() == {"training": [(1, 2.0), (4, 1.0)], "validation": [(3, 0.5)]}
    assert report.curves(dataclasses.replace(reviews, folder=tmp_path / "none")) == []
    assert report.curves(dataclasses.replace(reviews, folder=None)) == []
    assert reviews.metrics["best_step"] == report.curves(reviews)[0].mark


def test_a_model_without_metrics_has_no_one_beside_it(reviews: Model):
    assert report.beside({}) == {}
    found = report.figures({"accuracy": 0.5, "loss": float("nan")}, {})
    assert isinstance(found, Table)
    assert found.head == ["metric", "model"]


@pytest.mark.parametrize("task", ["sentiment", "image_classification"])
def test_members_that_answer_together_are_looked_at_together(task: str, tmp_path: Path):
    write = {"sentiment": write_reviews, "image_classification": write_images}[task]
    out = tmp_path / "run"
    model = recurra.train(task, data=write(tmp_path), out=str(out), members=2, **TINY)
    text = (out / "report.html").read_text()
    hits = sum(int(row[i].replace("·", "0")) for i, row in enumerate(
        [list(cells.values()) for cells in table(text, "Confusions").values()]
    ))  # fmt: skip  # the diagonal
    assert hits == round(model.metrics["test"]["accuracy"] * model.metrics["test_examples"])


@pytest.mark.parametrize("beam", [0, 1, 3])
def test_texts_are_decoded_as_asked(beam: int, tmp_path: Path):
    out = tmp_path / "run"
    model = recurra.train("translation", data=write_pairs(tmp_path), out=str(out), beam=1, **TINY)
    told = model.report(tmp_path / "page.html", beam=beam, temperature=3.0, max_length=12)
    metrics = model.evaluate(beam=beam, temperature=3.0, max_length=12)
    assert told == metrics
    sections = read((tmp_path / "page.html").read_text()).texts
    rows = model.task.read(model.recipe).test
    recipe = model.task.recipe.of(
        model.recipe.asdict(), {"beam": beam, "temperature": 3.0, "max_length": 12}
    )
    from recurra.tasks.translation import translated

    for answer in translated(model.network, model.codec, rows, recipe):
        assert answer.text[:20].strip().split(" ")[0] in sections["Worst texts"]
