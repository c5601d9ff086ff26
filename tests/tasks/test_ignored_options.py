"""An option that a task has no use for is refused, and none is refused that it has a use for."""

import dataclasses
import sys
from pathlib import Path
from typing import Any

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
HELPERS = ("_asdict_inner", "check", "replace")  # read every field, whatever it is for


def watched(kind: type[Recipe], read: set[str]) -> type[Recipe]:
    """Return a kind of recipe that notes which of its fields are read."""

    class Watched(kind):
        def __getattribute__(self, name: str) -> Any:
            if sys._getframe(1).f_code.co_name not in HELPERS:
                read.add(name)
            return super().__getattribute__(name)

    return Watched


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_a_task_reads_every_option_that_it_has(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(runs, "check", lambda recipe: None)  # tries the cell, whatever the task
    given = {**TINY, "data": WRITERS[task.name](tmp_path), "out": str(tmp_path / "run")}
    fields = dataclasses.asdict(runs.complete(task, given))
    read: set[str] = set()
    kind = watched(task.recipe, read)
    model = runs.Run(task, kind(**fields), quiet=True).train()
    beams = (1, 2) if task.name == "speech_recognition" else (0, 1, 2)
    ways = {"beam": beams, "strategy": ("direct", "recursive")}
    for name, values in ways.items():
        for value in values if name in task.options else ():
            recipe = kind(**{**fields, name: value})
            task.predict(model.network, model.codec, [INPUTS[task.name]], recipe)
    task.predict(model.network, model.codec, [INPUTS[task.name]], kind(**fields))
    if task.write is not None:
        prompts = [INPUTS[task.name]]
        list(task.write(model.network, model.codec, prompts, kind(**fields), lambda _: None))
    known = dataclasses.fields(task.recipe)
    assert {field.name for field in known if field.metadata["group"] in GROUPS} <= read


def test_it_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(RecurraError, match="pool: ner has no use for it; leave it out"):
        recurra.train("ner", pool="max", out=str(tmp_path / "run"))
    assert main(["train", "ner", "--pool", "max"]) == 2
    assert "Unknown option: --pool" in capsys.readouterr().err
    assert main(["train", "ner", "--help"]) == 0
    assert "--pool" not in capsys.readouterr().out
