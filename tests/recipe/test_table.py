"""No recipe field without a row, in no task that takes it; what a task has not is refused."""

import importlib
from pathlib import Path

import pytest

from recurra.cli import main
from recurra.errors import RecurraError
from recurra.tasks.catalogue import TASKS
from recurra.tasks.run import complete
from recurra.tasks.task import Task

from .table import FIELDS, ROWS, users


def rows() -> dict[str, set[str]]:
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        importlib.import_module(f"{__package__}.{path.stem}")
    return ROWS


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_has_a_row_for_every_task_that_takes_it(field: str):
    names = {task.name for task in users(field)}
    missing = names - rows().get(field, set())
    assert not missing, f"tests/recipe proves nothing about {field} in {', '.join(missing)}"


def test_no_row_is_of_a_field_that_is_gone():
    assert set(rows()) == set(FIELDS)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_what_a_task_has_not_is_refused(task: Task, capsys: pytest.CaptureFixture[str]):
    foreign = [field for field in FIELDS if field not in task.options]
    assert foreign
    for field in foreign:
        with pytest.raises(RecurraError, match=f"{field}: {task.name} has no use for it"):
            complete(task, {field: None})
    flags = [f"--{field.replace('_', '-')}" for field in foreign]
    for flag in flags[:3]:
        assert main(["train", task.name, flag, "1"]) == 2
        assert f"Unknown option: {flag}" in " ".join(capsys.readouterr().err.split())
