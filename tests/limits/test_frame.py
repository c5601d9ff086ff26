"""Experiments are run in turn, each finding is written at once, and the page says all of it."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from recurra.errors import RecurraError
from recurra.limits import Case, Experiment, Limit, page, record, run
from recurra.limits.run import Settings, write_page
from recurra.reports import Plot, Table
from tests.reports.reading import read

LIMIT = Limit(
    name="one",
    kind="weakness",
    title="A <weak> thing",
    fails="it fails <at times> & falls",
    cure="a cure",
    verdict="3 of 4 fail",
    measured="so and so",
    seeds=(0, 1),
    tables=(Table("Figures", ["way", "loss"], [["a", 1.5], ["b", None]], "A note."),),
    plots=(
        Plot(
            "Lines",
            {"a": [(1.0, 2.0), (2.0, math.nan)]},
            "steps back",
            "share",
            log=True,
            bands={"a": [(1.0, 1.0, 3.0)]},
            limits={"chance": 1.0},
        ),
    ),
)


def experiment(name: str, found: list[Case], error: BaseException | None = None) -> Experiment:
    def measure(case: Case) -> Limit:
        found.append(case)
        case.progress("half done")
        torch.rand(3)
        if error is not None:
            raise error
        return replace(LIMIT, name=name, title=f"Title of {name}")

    return Experiment(name, "weakness", f"Title of {name}", 60, 7, measure)


def names(out: Path) -> list[str]:
    return [one["name"] for one in json.loads((out / "limits.json").read_text())]


def test_each_finding_is_written_at_once_and_an_interruption_keeps_it(tmp_path: Path) -> None:
    cases: list[Case] = []
    said: list[str] = []
    doing: list[str] = []
    asked = [experiment("b", cases), experiment("c", cases, KeyboardInterrupt())]
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    with pytest.raises(KeyboardInterrupt):
        run(asked, Settings(tmp_path, threads=threads + 1), "abc", said.append, doing.append)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)
    assert names(tmp_path) == ["b"]
    assert "Title of b" in (tmp_path / "limits.html").read_text()
    assert len(said) == 1
    assert said[0].startswith("[1/2] b: 3 of 4 fail (")
    assert any(text.startswith("[1/2] b: half done (") for text in doing)
    # a later run puts its findings beside them, in the order of the page, and over its own old ones
    run([experiment("a", cases), experiment("b", cases)], Settings(tmp_path), "abc", said.append)
    assert names(tmp_path) == ["a", "b"]
    assert read((tmp_path / "limits.html").read_text()).texts["Title of a"]


def test_a_case_is_told_what_was_asked_for(tmp_path: Path) -> None:
    cases: list[Case] = []
    one = experiment("a", cases)
    run([one], Settings(tmp_path, quick=True, seeds=3, threads=1), "a", lambda text: None)
    run([one], Settings(tmp_path), "a", lambda text: None)
    quick, whole = cases
    assert (quick.quick, quick.seeds, quick.threads) == (True, 3, 1)
    assert (whole.quick, whole.seeds) == (False, 0)
    assert quick.choose(1, 2) == 2
    assert whole.choose(1, 2) == 1
    assert quick.runs(5) == (0, 1, 2)
    assert whole.runs(5, 2) == (0, 1, 2, 3, 4)
    assert replace(quick, seeds=0).runs(5, 2) == (0, 1)
    stored = json.loads((tmp_path / "limits.json").read_text())
    assert stored[0]["command"] == "recurra limits a --threads 1"
    assert Settings(tmp_path, True, 3, 2).command("a") == (
        "recurra limits a --quick --seeds 3 --threads 2"
    )


def test_findings_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "limits.json"
    assert record.read(path) == []
    record.write(path, [LIMIT])
    assert "NaN" not in path.read_text()
    (back,) = record.read(path)
    assert page.html([back]) == page.html([LIMIT])
    assert math.isnan(back.plots[0].lines["a"][1][1])
    assert replace(back, plots=(), tables=()) == replace(LIMIT, plots=(), tables=())


def test_what_holds_no_findings_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "limits.json"
    for text in ("no json", "[1]", '[{"name": "a"}]', '[{"seeds": [], "tables": [], "plots": 3}]'):
        path.write_text(text)
        with pytest.raises(RecurraError, match="delete it to start afresh"):
            record.read(path)
    path.unlink()
    with pytest.raises(RecurraError, match="no findings yet"):
        write_page(tmp_path)
    path.write_text("x" * 100)
    with pytest.raises(RecurraError, match="bytes"):
        record.read(_large(path))


def _large(path: Path) -> Path:
    with path.open("wb") as file:
        file.truncate(record.MOST + 1)
    return path


def test_the_page_says_all_of_a_finding(tmp_path: Path) -> None:
    text = page.html([replace(LIMIT, seconds=12, command="recurra limits one")], "On this machine.")
    seen = read(text)
    section = seen.texts["A <weak> thing"]
    for words in (
        "3 of 4 fail",
        "What fails",
        "it fails <at times> & falls",
        "a cure",
        "so and so",
        "Seeds: 0, 1. 12 seconds. Again: recurra limits one",
        "A note.",
        "steps back",
        "share",
        "chance",
    ):
        assert words in section, words
    assert seen.tables["A <weak> thing"] == [[["way", "loss"], ["a", "1.5000"], ["b", ""]]]
    for words in ("A <weak> thing", "3 of 4 fail", "Cure: a cure"):
        assert words in seen.texts["In short"]
    assert "On this machine." in seen.texts[""]
    strong = read(page.html([replace(LIMIT, kind="strength", cure="")])).texts
    assert "What it is good for" in strong["A <weak> thing"]
    assert "Cure" not in strong["A <weak> thing"] + strong["In short"]
