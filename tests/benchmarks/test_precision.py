"""Sixteen bits: what is asked of which unit, and whether training in them costs quality."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from recurra.benchmarks.job import error, exact, prepare
from recurra.benchmarks.quality import precision as quality
from recurra.benchmarks.quality.exam import Case
from recurra.benchmarks.quality.precision import Found, counted, keep, main, page, read
from recurra.benchmarks.question import Settings, Skipped
from recurra.benchmarks.questions import sixteen
from recurra.benchmarks.questions.sixteen import FULL, OURS, SIXTEEN, TOLERANCE, TORCH, checked
from recurra.cells import LSTM, MinGRU
from recurra.engines import native as engine
from recurra.engines import unroll
from recurra.engines.native import library, precision
from recurra.engines.native.precision import run_lines

QUICK = Settings(1, quick=True)
native = pytest.mark.skipif(library.missing() is not None, reason=str(library.missing()))


@pytest.mark.parametrize(
    ("isa", "musts"),
    [("amx", (1.8, 1.8, 1.6)), ("avx512bf16", (1.2,) * 3), ("avx2", (0.95,) * 3)],
)
def test_more_is_asked_of_faster_units(
    isa: str, musts: tuple[float, ...], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(library, "isa", lambda: isa)
    monkeypatch.setattr(library, "missing", lambda: None)
    monkeypatch.setattr(sixteen, "OURS", sixteen.recurra)
    rows = list(SIXTEEN.answer("train", QUICK))
    assert tuple(row.must for row in rows if row.peer == FULL) == musts
    assert [row.cell for row in rows if row.peer == TORCH] == ["LSTM", "GRU"]
    if isa == "amx":
        (row,) = SIXTEEN.answer("forward", QUICK)
        assert (row.peer, row.must, row.aim) == (TORCH, 1.2, 2.0)
        assert row.note == "bfloat16 by AMX"
    else:
        with pytest.raises(Skipped, match=rf"asks for AMX, {isa} is here; .*--question sixteen"):
            list(SIXTEEN.answer("forward", QUICK))


@native
@pytest.mark.parametrize("kind", [LSTM, MinGRU])
def test_what_is_timed_multiplies_bfloat16(kind: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(precision, "multiplies_bfloat16", lambda: True)
    monkeypatch.setattr(precision, "WORTH", 0)
    job = checked(prepare(kind, (9, 20, 40, 67)))
    off = error(OURS(job), exact(job), job)
    assert 2e-5 < off <= TOLERANCE


@native
def test_multiplications_are_counted_while_training(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(precision, "multiplies_bfloat16", lambda: True)
    monkeypatch.setattr(precision, "WORTH", 3 * 5 * 4 * 7 * (5 + 7 + 1))
    cell = LSTM(5, 7)
    with counted() as count:
        unroll(cell, torch.randn(3, 5, 5), engine="native")
        assert (count.all, count.share) == (precision.WORTH, 0.0)
        with torch.autocast("cpu", torch.bfloat16):
            unroll(cell, torch.randn(3, 5, 5), engine="native")
            unroll(cell, torch.randn(2, 3, 5), engine="native")  # too few
            with torch.no_grad():
                unroll(cell, torch.randn(3, 5, 5), engine="native")
    assert count.narrow == precision.WORTH
    assert count.share == pytest.approx(15 / 36)
    assert vars(engine)["run_lines"] is run_lines


FOUND = Found(
    name="jsb",
    values={"32-true": [8.0, 8.1, 8.2], "bf16-mixed": [8.1, 8.2, 8.3]},
    seconds={"32-true": 2.0, "bf16-mixed": 1.0},
    share=0.75,
    fields={"epochs": 4},
    machine="here, today",
    revision="abc",
)


def test_a_difference_beside_the_noise_of_seeds(tmp_path: Path):
    assert FOUND.difference == pytest.approx(0.1)
    assert FOUND.noise == pytest.approx(2.776 * (0.02 / 3) ** 0.5)
    assert "| +0.1000 | 0.2267 | within noise | 75% |" in page([FOUND])
    worse = replace(FOUND, values={**FOUND.values, "bf16-mixed": [8.5, 8.6, 8.7]})
    assert "**float32 is better**" in page([worse])
    better = replace(FOUND, values={**FOUND.values, "bf16-mixed": [7.5, 7.6, 7.7]})
    assert "| 16 bits are better |" in page([better])
    assert "**float32 is better**" in page([replace(better, name="sst2")])
    path = tmp_path / "benchmarks" / "results" / "precision.json"
    keep(path, FOUND)
    keep(path, worse)
    assert read(path) == [worse]
    assert main(["--page", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "docs" / "precision.md").read_text() == page([worse])


def test_each_seed_is_trained_in_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked = []

    def train(task: str, case: Case, data: Path, **fields: Any) -> Any:
        asked.append((case.seed, fields["precision"], fields["epochs"]))
        value = 8.0 + case.seed + 0.5 * (fields["precision"] == "bf16-mixed")

        return SimpleNamespace(metrics={"test": {"nll": value}, "seconds": 1.0})

    monkeypatch.setattr(quality, "trained", train)
    assert main(["jsb", "--data-root", str(tmp_path), "--out", str(tmp_path)]) == 0
    assert asked == [(seed, one, 4) for seed in range(3) for one in ("32-true", "bf16-mixed")]
    (row,) = read(tmp_path / "benchmarks" / "results" / "precision.json")
    assert row.values == {"32-true": [8.0, 9.0, 10.0], "bf16-mixed": [8.5, 9.5, 10.5]}


def test_an_unknown_row_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["jbs", "--out", str(tmp_path)]) == 1
    assert "jsb" in capsys.readouterr().err
