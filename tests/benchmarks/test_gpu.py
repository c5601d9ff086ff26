"""The run on a GPU, on the CPU: from cases to results and page, and what it does without."""

import json
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from recurra.benchmarks.gpu import cases, clock, run, table
from recurra.benchmarks.gpu.page import page, verdict
from recurra.engines import reread
from recurra.engines.graph import player
from recurra.engines.measurement import Question
from recurra.engines.table import MODES, Table, here, user_file

ROOT = Path(__file__).parents[2]
CPU = torch.device("cpu")


def test_a_dry_run_has_every_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(player, "CHUNKS", (8, 1))
    monkeypatch.setattr(clock, "ROUNDS", 1)
    monkeypatch.setattr(clock, "BLOCK", 0.0)
    assert run.main(["--dry", "--root", str(tmp_path), "--each", "0"]) == 0
    rows = json.loads((tmp_path / "benchmarks" / "results" / "gpu.json").read_text())["rows"]
    failed = [row for row in rows if "failed" in row]
    assert [row["against"] for row in failed] == ["fla simple_gla"], failed
    assert {row["section"] for row in rows} == {
        *("classic", "linear", "custom", "matrix memory", "scan", "ragged 1:8", "streaming")
    }
    assert any(row["engine"] == "graph" for row in rows)
    text = (tmp_path / "docs" / "gpu.md").read_text()
    assert all(row["what"] in text for row in rows)
    assert "the CPU, dry: no figure counts" in text


def test_the_real_sizes_are_those_asked_for() -> None:
    asked = [(case.section, case.what) for case in cases.cases(CPU)]
    assert ("classic", "LSTM 32 × 512 × 512 bf16") in asked
    assert ("scan", "MinGRU 8 × 65536 × 1024 float32") in asked
    compiled = [case for case in cases.cases(CPU) if "torch.compile of the step" in case.peers]
    assert len(compiled) == 4
    assert all(case.targets["torch.compile of the step"].must == 5 for case in compiled)


def case(**fields: Any) -> cases.Case:
    made = next(cases.cases(CPU, dry=True))
    return made._replace(**fields)


def fails(job: Any) -> Any:
    raise MemoryError("too | much")


def test_what_fails_is_a_row_and_the_others_go_on() -> None:
    (row,) = run.measured(case(ours=fails), CPU, 0.0)
    assert row["failed"] == "MemoryError: too / much"
    peers = {"a": fails, "b": cases.unrolled}
    one, two = run.measured(case(peers=peers), CPU, 0.0)
    assert (one["against"], one["failed"]) == ("a", "MemoryError: too / much")
    assert two["ratio"] == pytest.approx(two["peer_ms"] / two["ours_ms"])
    assert "MemoryError: too / much" in page({}, [one, two])


def test_rows_are_kept_when_it_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def told(*given: Any) -> Iterator[dict[str, Any]]:
        yield {"section": "s", "what": "one", "engine": "", "against": "", "failed": "no"}
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "measured", told)
    with pytest.raises(KeyboardInterrupt):
        run.main(["--dry", "--root", str(tmp_path)])
    assert "| one |" in (tmp_path / "docs" / "gpu.md").read_text()


def test_no_case_begins_when_the_time_is_over(tmp_path: Path) -> None:
    assert run.main(["--dry", "--root", str(tmp_path), "--seconds", "-1"]) == 0
    rows = json.loads((tmp_path / "benchmarks" / "results" / "gpu.json").read_text())["rows"]
    assert {row["failed"] for row in rows} == {"left out: the time was over"}


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_it_says_so(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run.main(["--root", str(tmp_path)]) == 2
    assert capsys.readouterr().err == run.NO_GPU + "\n"
    assert not list(tmp_path.iterdir())
    got = subprocess.run(
        ["/bin/sh", str(ROOT / "benchmarks" / "gpu" / "run.sh")],
        capture_output=True,
        text=True,
        env={"PATH": "/bin:/usr/bin"},
        check=False,
    )
    assert got.returncode == 2
    assert len(got.stderr.splitlines()) == 1


def test_the_page_is_what_the_results_say() -> None:
    results, written = ROOT / "benchmarks" / "results" / "gpu.json", ROOT / "docs" / "gpu.md"
    content = json.loads(results.read_text()) if results.exists() else {"machine": {}, "rows": []}
    assert written.read_text() == page(content["machine"], content["rows"])
    assert results.exists() or "Nothing was measured yet" in written.read_text()


def test_verdicts() -> None:
    asked = {"must": 1.0, "aim": 2.0}
    told = [verdict({**asked, "ratio": ratio}) for ratio in (0.99, 1.0, 2.0)]
    assert told == ["**MISSED**", "reached", "aim"]
    assert verdict({"ratio": 1.0}) == ""


def test_medians_of_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([1.0, 1.0, 5.0, 5.0, 2.0, 4.0, 2.0, 4.0, 90.0, 70.0, *[2.0, 4.0] * 9])
    monkeypatch.setattr(clock, "block", lambda *given: next(times))
    assert clock.medians({"a": print, "b": print}, CPU, 9.0) == {"a": 2.0, "b": 4.0}


def test_the_table_of_the_run(
    monkeypatch: pytest.MonkeyPatch, nothing_measured: Table, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Question] = []

    def told(questions: Iterable[Question], *, device: torch.device) -> Table:
        asked.extend(questions)
        return Table(*here(1, "Some GPU"), table.SHAPES, {})

    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr(table, "gpu", lambda device: "Some GPU")
    monkeypatch.setattr(table, "measure", told)
    assert table.main(["--seconds", "-1"]) == 0
    assert asked == []
    assert "engines-Some_GPU.json" in capsys.readouterr().out
    assert table.main([]) == 0
    assert capsys.readouterr().out == "this GPU has a table already, which is kept\n"
    user_file("Some GPU").unlink()
    reread()
    assert table.main([]) == 0
    assert len(asked) == len(set(asked)) == 16
    assert {question.mode for question in asked} == set(MODES)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_there_is_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert table.main([]) == 2
    assert "no table" in capsys.readouterr().err
