"""The table of recipe fields: which tests prove that a field has its effect, in which tasks."""

from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from recurra.tasks.catalogue import TASKS, find
from recurra.tasks.task import Task

Test = TypeVar("Test", bound=Callable[..., Any])
ROWS: dict[str, set[str]] = {}
FIELDS = sorted({name for task in TASKS for name in task.options})


def users(field: str) -> list[Task]:
    """Return the tasks that take the field."""
    return [task for task in TASKS if field in task.options]


def proves(fields: str, *names: str) -> Callable[[Test], Test]:
    """Make a test one of the fields' rows, run for each of the named tasks; none: all users."""
    whole = [task for task in TASKS if all(name in task.options for name in fields.split())]
    tasks = [find(name) for name in names] or whole
    for field in fields.split():
        assert all(task in users(field) for task in tasks)
        ROWS.setdefault(field, set()).update(task.name for task in tasks)
    return pytest.mark.parametrize("task", tasks, ids=lambda task: task.name)


def proves_for_all(field: str) -> Callable[[Test], Test]:
    """Make a test the field's row for all of its tasks: it tries what they share.

    That each task hands its recipe on to what they share is `test_wiring`'s to show.
    """
    ROWS.setdefault(field, set()).update(task.name for task in users(field))
    return lambda test: test
