"""Presets: fields that a task sets together, under whatever is given."""

from typing import Any

import pytest

from recurra.errors import RecurraError
from recurra.tasks.catalogue import TASKS, find
from recurra.tasks.run import complete
from recurra.tasks.task import Task

PRESETS = [(task, name) for task in TASKS for name in task.presets]


@pytest.mark.parametrize(("task", "name"), PRESETS, ids=lambda x: getattr(x, "name", x))
def test_a_preset_sets_its_fields_over_the_defaults(task: Task[Any], name: str) -> None:
    usual = complete(task, {"data": "x"})
    for given in ({"data": "x"}, {}):  # of the embedded sample, too
        chosen = complete(task, {**given, "preset": name})
        for field, value in task.presets[name].items():
            assert getattr(chosen, field) == value
    assert all(getattr(usual, field) != value for field, value in task.presets[name].items())


def test_what_is_given_goes_before_a_preset() -> None:
    task, (field, value) = find("ner"), next(iter(find("ner").presets["quality"].items()))
    other = type(value)(value * 0.5)
    assert getattr(complete(task, {field: other}, {"preset": "quality"}), field) == other
    assert getattr(complete(task, {"preset": "quality"}, {field: other}), field) == other
    assert not hasattr(complete(task, {"preset": "quality"}), "preset")


def test_an_unknown_preset_is_told() -> None:
    with pytest.raises(RecurraError, match="preset 'best': ner has quality"):
        complete(find("ner"), {"preset": "best"})
    with pytest.raises(RecurraError, match="audio_classification has none"):
        complete(find("audio_classification"), {"preset": "quality"})
