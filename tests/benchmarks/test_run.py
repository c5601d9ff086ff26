"""A run of questions: what is asked, kept and left out."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from recurra.benchmarks import machine, results
from recurra.benchmarks.contest import Target
from recurra.benchmarks.question import Question, Settings
from recurra.benchmarks.questions import QUESTIONS
from recurra.benchmarks.questions.classic import CLASSIC
from recurra.benchmarks.questions.grid import summary
from recurra.benchmarks.questions.growth import exponent
from recurra.benchmarks.questions.shapes import SHAPES
from recurra.benchmarks.questions.training import TRAINING
from recurra.benchmarks.results import Row
from recurra.benchmarks.run import Failed, Files, ask, run, write_page
from recurra.benchmarks.worker import LEFT_OUT, ROW
from recurra.cli import main
from tests.benchmarks.rows import GRID, MACHINE, row

SETTINGS = Settings(threads=1, quick=True)


def nothing(part: str, settings: Settings) -> Iterator[Row]:
    yield from ()


ASKED = Question("classic", "A question.", ("torch", "jax", "compile"), nothing, 1.0)


def said(value: Row) -> str:
    return ROW + json.dumps(asdict(value)) + "\n"


def test_rows_of_each_part_are_kept_as_they_come(tmp_path: Path):
    files = Files.below(tmp_path)

    def answers(question: Question, part: str, settings: Settings) -> Iterator[str]:
        if part == "compile":
            raise KeyboardInterrupt
        if part == "jax":
            yield said(row(part=part, peer="JAX"))
            yield LEFT_OUT + "Keras is left out\n"
            raise Failed("it broke")
        yield "a library talks\n"
        yield said(row())

    machine.write(files.machine, {**MACHINE, "processor": "Abacus, 2 rods"})
    heard: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        run([ASKED], SETTINGS, files, heard.append, answers)
    assert [kept.peer for kept in results.read(files.rows)] == ["torch.nn", "JAX"]
    here = f"Abacus, 2 rods, {MACHINE['GFLOP/s']:.0f} GFLOP/s, {MACHINE['day']}"
    assert {kept.machine for kept in results.read(files.rows)} == {here}
    assert machine.read(files.machine)["left out"] == {"classic jax": "Keras is left out"}
    assert any("FAILED: classic jax: it broke" in text for text in heard)
    write_page(files, QUESTIONS)
    assert "Keras is left out" in files.page.read_text()


def test_only_the_parts_that_are_wanted_are_asked():
    asked: list[str] = []

    def answers(question: Question, part: str, settings: Settings) -> Iterator[str]:
        asked.append(part)
        yield from ()

    assert run([ASKED], SETTINGS, None, lambda text: None, answers, only=["jax"]) == []
    assert asked == ["jax"]


def test_a_worker_answers_a_small_question(capfd: pytest.CaptureFixture[str]):
    rows = list(CLASSIC.answer("torch", SETTINGS))
    assert [(r.cell, r.peer) for r in rows] == [(c, "torch.nn") for c in ("LSTM", "GRU", "Elman")]
    assert all(r.error is not None and r.error < 1e-5 for r in rows)
    assert main(["bench", "speed", "--question", "growth", "--part", "memory", "--quick"]) == 0
    out = capfd.readouterr().out
    assert out.count("peak memory") == 4


def test_the_command_line_names_what_there_is(capsys: pytest.CaptureFixture[str]):
    assert main(["bench", "speed", "--question", "clasic"]) == 2
    assert "did you mean 'classic'" in capsys.readouterr().err
    assert main(["bench", "speed", "--part", "torhc"]) == 2
    assert "'torch'" in capsys.readouterr().err
    assert main(["bench", "speed", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert " ".join(question.name for question in QUESTIONS) in text


def test_there_is_one_file_per_question():
    folder = Path(__file__).parents[2] / "benchmarks" / "speed"
    assert {path.stem for path in folder.glob("*.py")} == {q.name for q in QUESTIONS}


def test_the_grid_ends_with_its_mean_and_its_worst():
    rows = [value for value in GRID if value.cell == "GRU"]
    mean, worst = summary(rows, Target(2.5, 4.0), Target(0.95, 1.0))
    assert mean.ratio == pytest.approx((1.2 * 0.9 * 2.0) ** (1 / 3))
    assert (mean.must, mean.shape) == (2.5, ())
    assert (worst.ratio, worst.must, worst.verdict) == (0.9, 0.95, "MISSED")


@pytest.mark.parametrize("part", SHAPES.parts)
def test_common_shapes_end_with_their_mean_and_their_worst(part: str):
    *rows, mean, worst = SHAPES.answer(part, SETTINGS)
    assert [row.shape for row in rows] == [(2, 8, 5, 5), (3, 4, 7, 7)]
    assert mean.ratio == pytest.approx((rows[0].ratio * rows[1].ratio) ** 0.5)
    assert worst.ratio == min(row.ratio for row in rows)
    assert (mean.must, mean.aim, worst.must, worst.aim) == (1.25, 1.5, 0.97, 1.05)


def test_the_exponent_of_growth():
    assert exponent([1, 2, 4, 8], [3.0, 6.0, 12.0, 24.0]) == pytest.approx(1.0)
    assert exponent([1, 2, 4, 8], [1.0, 4.0, 16.0, 64.0]) == pytest.approx(2.0)


def test_a_worker_without_data_says_so():
    (line,) = ask(TRAINING, "lstm", SETTINGS)
    assert line.startswith(LEFT_OUT + "no SST-2 here")


def test_a_worker_that_fails_says_why():
    with pytest.raises(Failed, match="nobody"):
        list(ask(TRAINING._replace(name="nobody"), "lstm", SETTINGS))
