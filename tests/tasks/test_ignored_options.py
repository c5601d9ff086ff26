"""An option that a task has no use for is refused, and none is refused that it has a use for."""

import dataclasses
import sys
from pathlib import Path
from typing import Any, ClassVar

import pytest

import recurra
from recurra.cli import main
from recurra.errors import RecurraError
from recurra.tasks import run as runs
from recurra.tasks.catalogue import TASKS
from recurra.tasks.task import Task
from recurra.training.recipe import Recipe

from .conftest import TINY, WRITERS
from .test_own_files import INPUTS

GROUPS = ("model", "regularisation", "decoding")
FIELDS = [field.name for field in dataclasses.fields(Recipe) if field.metadata["group"] in GROUPS]
# read for every task: by the model's card, and by the training loop
EVERYWHERE = {"layers", "scheduled_sampling"}
HELPERS = ("_asdict_inner", "check", "replace")  # read every field, whatever it is for


class Watched(Recipe):
    """A recipe that knows which of its fields were read."""

    read: ClassVar[set[str]] = set()

    def __getattribute__(self, name: str) -> Any:
        if name in FIELDS and sys._getframe(1).f_code.co_name not in HELPERS:
            Watched.read.add(name)
        return super().__getattribute__(name)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_a_task_ignores_what_it_never_reads(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(runs, "check", lambda recipe: None)  # tries the cell, whatever the task
    given = {**TINY, "data": WRITERS[task.name](tmp_path), "out": str(tmp_path / "run")}
    fields = dataclasses.asdict(runs.complete(task, given))
    monkeypatch.setattr(Watched, "read", set())
    model = runs.Run(task, Watched(**fields), quiet=True).train()
    for beam in (0, 1, 2):
        recipe = Watched(**{**fields, "beam": beam})
        task.predict(model.network, model.codec, [INPUTS[task.name]], recipe)
    ignored = set(task.ignores.split())
    assert set(FIELDS) - Watched.read - EVERYWHERE == (ignored & set(FIELDS)) - EVERYWHERE


def test_it_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(RecurraError, match="pool: ner has no use for it; leave it out"):
        recurra.train("ner", pool="max", out=str(tmp_path / "run"))
    assert main(["train", "ner", "--pool", "max"]) == 2
    assert "Unknown option: --pool" in capsys.readouterr().err
    assert main(["train", "ner", "--help"]) == 0
    assert "--pool" not in capsys.readouterr().out
