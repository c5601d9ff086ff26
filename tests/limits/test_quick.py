"""All of `recurra limits --quick`, as a user runs it."""

import json
from pathlib import Path

import pytest

from recurra.cli import main
from recurra.limits.experiments import EXPERIMENTS
from tests.reports.reading import read


@pytest.mark.slow
def test_all_experiments_run_and_are_on_the_page(tmp_path: Path) -> None:
    assert main(["limits", "--quick", "--threads", "2", "--out", str(tmp_path)]) == 0
    found = json.loads((tmp_path / "limits.json").read_text())
    assert [one["name"] for one in found] == [one.name for one in EXPERIMENTS]
    seen = read((tmp_path / "limits.html").read_text())
    for one in found:
        assert one["verdict"] in seen.texts[one["title"]]
        assert all(plot["across"] and plot["up"] for plot in one["plots"])
    by = {one["name"]: one for one in found}
    rows = {row[0]: row for row in by["future"]["tables"][0]["rows"]}
    for row in rows.values():  # nobody knows more than can be known
        assert row[2] <= row[3] + 0.02
    assert rows["GRU, LookAhead(8)"][2] > 0.95 > 0.7 > rows["nn.LSTM"][2]
    diverged = {row[0]: row[1] for row in by["exploding"]["tables"][0]["rows"]}
    assert diverged["LSTM"] == "0 of 2"
