"""Cells compared at a task: equal time, ranked by the validation part, kept when interrupted."""

import json
from pathlib import Path

import pytest

import recurra
from recurra.cli import main
from recurra.errors import RecurraError
from recurra.tasks import compare
from recurra.tasks.catalogue import find
from recurra.tasks.compare import Entrant, differing, ranked, runs
from recurra.tasks.run import Run, complete
from recurra.training.recipe import read_toml
from tests.tasks.conftest import TINY, write_reviews

FEW = {key: value for key, value in TINY.items() if key != "epochs"}


def entrant(cell: str, value: float, test: float) -> Entrant:
    return Entrant(cell, 1, value, {"accuracy": test, "loss": test}, 1.0, 1.0, [], "", "epochs")


def test_the_validation_part_ranks_and_less_is_better_of_a_loss():
    found = [entrant("a", 0.5, 0.9), entrant("b", 0.7, 0.1)]
    assert [one.cell for one in ranked(find("sentiment"), found)] == ["b", "a"]
    assert [one.cell for one in ranked(find("translation"), found)] == ["a", "b"]


def test_each_cell_has_an_equal_share_of_the_time(tmp_path: Path):
    data = write_reviews(tmp_path)
    found = runs(find("sentiment"), ["lstm", "gru", "elman"], "9m", tmp_path, {"data": data})
    assert [run.recipe.max_time for run in found] == ["180s"] * 3
    assert [run.recipe.cell for run in found] == ["lstm", "gru", "elman"]
    assert {run.recipe.epochs for run in found} == {compare.ENOUGH}
    few = runs(find("sentiment"), ["lstm", "gru"], "9m", tmp_path, {"data": data, "epochs": 3})
    assert {run.recipe.epochs for run in few} == {3}
    assert len({run.folder for run in found}) == 3


def test_a_comparison_by_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    data, out = write_reviews(tmp_path), tmp_path / "out"
    flags = ["--data", data, "--cells", "gru,mingru", "--budget", "6s", "--out", str(out)]
    flags += [part for k, v in FEW.items() for part in (f"--{k.replace('_', '-')}", str(v))]
    assert main(["compare", "sentiment", *flags]) == 0
    printed = capsys.readouterr().out
    told = json.loads((out / "compare.json").read_text())
    assert told["criterion"] == "accuracy"
    best, other = told["cells"]
    assert {best["cell"], other["cell"]} == {"gru", "mingru"}
    assert best["value"] >= other["value"]
    assert printed.index(best["cell"]) < printed.index(other["cell"])
    for one in told["cells"]:
        assert one["seconds"] < 3.5
        assert one["value"] == max(value for _, value in one["curve"])
        bundle = recurra.load(one["folder"])
        assert bundle.recipe.cell == one["cell"]
        assert one["test"] == bundle.metrics["test"]
        assert one["parameters"] == sum(p.numel() for p in bundle.network.parameters())
    recipe = read_toml(out / "best.toml")
    assert recipe["cell"] == best["cell"]
    assert recipe["hidden"] == 8
    assert not {"max_time", "out", "epochs"} & recipe.keys()
    assert "<svg" in (out / "compare.svg").read_text()
    assert main(["compare", "sentiment", *flags]) == 2  # the folder holds one already


def test_what_was_done_is_kept_when_it_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    data, train = write_reviews(tmp_path), Run.train

    def interrupted(run: Run) -> recurra.Model:
        model = train(run)
        model.metrics["stopped"] = "interrupted"
        return model

    monkeypatch.setattr(Run, "train", interrupted)
    given = {"data": data, "out": str(tmp_path / "out"), "epochs": 1, **FEW}
    found = recurra.compare("sentiment", ["gru", "mingru"], "1m", **given)
    assert [one.cell for one in found] == ["gru"]
    assert len(json.loads((tmp_path / "out" / "compare.json").read_text())["cells"]) == 1


@pytest.mark.parametrize(
    ("cells", "budget", "said"),
    [
        (["gru"], "1m", "received gru; give two or more"),
        (["gru", "gru"], "1m", "two or more different ones"),
        (["gru", "grue"], "1m", "grue"),
        (["gru", "lstm"], "1s", "leaves no second"),
        (["gru", "lstm"], "soon", "duration 'soon'"),
    ],
)
def test_nothing_begins_where_something_is_wrong(
    cells: list[str], budget: str, said: str, tmp_path: Path
):
    with pytest.raises(RecurraError, match=said):
        recurra.compare("sentiment", cells, budget, out=str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("field", ['cell = "lstm"', 'max_time = "9m"'])
def test_a_recipe_that_says_otherwise_is_refused(
    field: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "recipe.toml"
    path.write_text(f'out = "{tmp_path / "out"}"\n{field}\n')
    assert main(["compare", "sentiment", "--config", str(path), "--budget", "4s"]) == 2
    assert f"{field.split()[0]}: a comparison has cells and a budget" in capsys.readouterr().err


def test_a_recipe_of_what_differs():
    task = find("sentiment")
    recipe = complete(task, {"data": "x.tsv", "hidden": 7, "cell": "lstm"})
    assert differing(task, recipe) == 'data = "x.tsv"\ncell = "lstm"\nhidden = 7\n'
    assert differing(task, complete(task, {})) == f'cell = "{complete(task, {}).cell}"\n'
