"""Ten cells in six tasks: each pair trains for a step and predicts from its bundle's codec."""

import dataclasses
from functools import cache
from typing import Any

import pytest
import torch

from recurra.cells import CELLS
from recurra.data.splits import Splits
from recurra.tasks.catalogue import TASKS, find
from recurra.tasks.run import build, complete
from recurra.tasks.task import Task
from recurra.training.recipe import Recipe

from .conftest import TINY, WRITERS
from .test_own_files import INPUTS


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory):
    @cache
    def once(name: str) -> tuple[Recipe, Splits[Any], Any]:
        task, folder = find(name), tmp_path_factory.mktemp(name)
        refuses = name == "speech_recognition"  # what is longer than max_length
        short = {"max_length": 24} if "max_length" in task.options and not refuses else {}
        recipe = complete(task, {**TINY, **short, "data": WRITERS[name](folder)})
        splits = task.read(recipe)
        return recipe, splits, task.fit(splits.train, recipe)

    return once


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
@pytest.mark.parametrize("cell", [cell.__name__.lower() for cell in CELLS])
def test_a_cell_learns_and_predicts(task: Task, cell: str, read):
    recipe, splits, codec = read(task.name)
    recipe = dataclasses.replace(recipe, cell=cell)
    torch.manual_seed(0)
    network = build(task, codec, recipe)
    batch = codec.collate([codec.encode(example) for example in splits.train[:4]])
    loss = network.loss(batch, **({"smoothing": 0.1} if "label_smoothing" in task.options else {}))
    loss.total.backward()
    body = [p for p in network.parameters() if p.grad is not None and p.grad.abs().sum() > 0]
    assert len(body) > len(list(network.parameters())) // 2
    torch.optim.SGD(network.parameters(), lr=1e-3).step()
    assert torch.isfinite(network.loss(batch).total)
    network.eval()
    with torch.inference_mode():
        (answer,) = task.predict(network, codec, [INPUTS[task.name]], recipe)
    assert answer.asdict()
