"""Bundles of schema 1, one recipe for all tasks, are read, used and gone on with."""

import json
import shutil
from pathlib import Path

import pytest

import recurra
from recurra import bundle
from recurra.data.readers.conll import Tagged
from recurra.errors import BundleError
from recurra.tasks.catalogue import TASKS, find
from recurra.tasks.model import Model
from recurra.tasks.stored import FLAT, RENAMED, recipe_of
from recurra.tasks.task import Task

OLD = Path(__file__).parents[1] / "bundles" / "schema1"
SIX = [task for task in TASKS if (OLD / f"{task.name}.config.json").exists()]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(OLD, tmp_path / "old")
    monkeypatch.chdir(tmp_path / "old")  # where the run began, beside its data
    return tmp_path / "old" / "sentiment"


@pytest.mark.parametrize("task", SIX, ids=lambda task: task.name)
def test_the_options_of_a_task_are_kept(task: Task):
    config = json.loads((OLD / f"{task.name}.config.json").read_text())
    assert config["schema"] == 1
    assert set(config["recipe"]) == FLAT
    recipe = task.recipe.of(recipe_of(task, config))
    since = task.recipe().asdict()  # of the options that came later
    stored = {name: config["recipe"].get(name, since[name]) for name in task.options}
    assert recipe.asdict() == stored


def test_there_are_six():
    assert len(SIX) == 6


def test_it_predicts_and_evaluates_as_it_did(home: Path):
    told = json.loads((OLD / "sentiment.json").read_text())
    model = recurra.load(home)
    for answer, before in zip(model.predict(told["inputs"]), told["answers"], strict=True):
        assert answer.asdict()["label"] == before["label"]
        assert answer.asdict()["probability"] == pytest.approx(before["probability"], abs=1e-5)
    assert model.evaluate() == pytest.approx(told["test"], abs=1e-5)


def test_it_goes_on_and_is_stored_anew(home: Path):
    log = home / "metrics.jsonl"
    assert len(log.read_text().splitlines()) == 2
    model = recurra.train("sentiment", out=str(home), resume=True, epochs=4)
    assert len(log.read_text().splitlines()) == 4
    assert model.recipe.cell == "elman"
    config = bundle.read_config(home)
    assert config["schema"] == 2
    assert config["recipe"] == recurra.load(home).recipe.asdict()


def test_what_schema_1_never_had_is_refused(home: Path):
    path = home / "config.json"
    config = json.loads(path.read_text())
    config["recipe"]["horizon"] = 3
    path.write_text(json.dumps(config))
    with pytest.raises(BundleError, match="horizon"):
        recurra.load(home)


def test_weights_of_taggers_are_found_by_their_old_names(tmp_path: Path):
    """Before spellings were modules of their own."""
    task = find("ner")
    recipe = task.recipe(hidden=4, embedding=6, output="crf")
    codec = task.fit([Tagged(["Rome", "fell"], ["B-LOC", "O"], "")], recipe)
    model = Model(task, recipe, codec, task.build(codec, recipe).eval())
    now = {new: old for old, new in RENAMED["ner"].items()}
    assert now.keys() <= model.network.state_dict().keys()
    old = {now.get(name, name): t for name, t in model.network.state_dict().items()}
    settings = json.loads(codec.files()["tags.json"])
    known = {name: settings[name] for name in ("tags", "max_length")}
    files = {**codec.files(), "tags.json": json.dumps(known)}
    bundle.write(tmp_path / "old", model.config(), old, files, "card")
    loaded = recurra.load(tmp_path / "old")
    assert loaded.predict(["Rome fell"]) == model.predict(["Rome fell"])
    assert (loaded.codec.documents, loaded.codec.rare) == (False, None)
