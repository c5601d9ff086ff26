"""A range test of a task: the suggestion, the page, and nothing that is trained."""

import json
from pathlib import Path

import pytest
import torch

import recurra
from recurra.cli import main
from recurra.tasks.rate import UNUSED
from recurra.tasks.run import Run, complete
from tests.tasks.conftest import TINY, write_reviews

FEW = {key: value for key, value in TINY.items() if key != "epochs"}
FLAGS = [part for k, v in FEW.items() for part in (f"--{k.replace('_', '-')}", str(v))]


def test_a_suggestion_by_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    data, out = write_reviews(tmp_path), tmp_path / "rate"
    more = ["--data", data, "--out", str(out), "--tries", "60", "--dropout", "0"]
    assert main(["rate", "sentiment", *FLAGS, *more]) == 0
    printed = capsys.readouterr().out
    told = json.loads((out / "rate.json").read_text())
    assert 1e-4 < told["suggestion"] < 0.1
    assert told["suggestion"] == told["lowest"] / 10
    assert f"suggested: --learning-rate {told['suggestion']:.2g} (now 0.002)" in printed
    assert len(told["rates"]) == len(told["losses"]) == len(told["smooth"]) <= 60
    page = (out / "rate.html").read_text()
    assert "learning rate of the step" in page
    assert f"{told['suggestion']:.2g}" in page
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rate", "reviews.tsv"]
    found = recurra.find_rate("sentiment", data, tries=60, dropout=0.0, **FEW)
    assert found.losses == told["losses"]


def test_it_begins_as_training_does(tmp_path: Path):
    data = write_reviews(tmp_path)
    given = {"data": data, "schedule": "constant", "warmup": 0.0, "batch_size": 40, **FEW}
    given |= {"batch_size": 40, "epochs": 1, "out": str(tmp_path / "run"), "learning_rate": 1e-6}
    found = recurra.find_rate("sentiment", tries=40, **given)
    task = recurra.tasks.catalogue.find("sentiment")
    Run(task, complete(task, given), quiet=True).train()
    log = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").open()]
    assert log[0]["step"] == 1
    assert found.losses[0] == log[0]["train_loss"]


def test_a_loss_that_does_not_fall_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    data, out = write_reviews(tmp_path), str(tmp_path / "rate")
    limits = ["--highest", "2e-6", "--tries", "40"]
    assert main(["rate", "sentiment", *FLAGS, "--data", data, "--out", out, *limits]) == 0
    assert "no suggestion: the loss does not fall up to a rate of 2e-06" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--tries", "3"], "tries is 3; it is a whole number from 40"),
        (["--tries", "3.5"], "allowed is a whole number"),
        (["--lowest", "2"], "the rate is to grow"),
        (["--lowest", "nan"], "lowest is nan"),
        (["--learning-rate", "0.1"], "--learning-rate"),
        (["--epochs", "3"], "--epochs"),
    ],
)
def test_what_no_test_can_use(
    tmp_path: Path, flags: list[str], says: str, capsys: pytest.CaptureFixture[str]
):
    data = write_reviews(tmp_path)
    assert main(["rate", "sentiment", "--data", data, *FLAGS, *flags]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert "internal" not in error


def test_a_recipe_file_for_training_may_be_given(tmp_path: Path):
    data, path = write_reviews(tmp_path), tmp_path / "recipe.toml"
    path.write_text('epochs = 9\nlearning_rate = 0.5\nout = "elsewhere"\nresume = true\n')
    flags = ["--config", str(path), "--data", data, "--out", str(tmp_path / "rate")]
    assert main(["rate", "sentiment", *FLAGS, *flags, "--tries", "40"]) == 0
    assert (tmp_path / "rate" / "rate.html").exists()


def test_options_without_use_are_options():
    assert UNUSED - {"scheduled_sampling"} <= recurra.tasks.catalogue.find("sentiment").options
    assert "scheduled_sampling" in recurra.tasks.catalogue.find("translation").options


def test_torchs_random_numbers_do_not_reach_it(tmp_path: Path):
    data = write_reviews(tmp_path)
    one, two = (
        (torch.manual_seed(k), recurra.find_rate("sentiment", data, tries=40, **FEW))[1]
        for k in (3, 4)
    )
    assert one.losses == two.losses
