"""Small files, and networks built from them, once for all tests of a session."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from recurra.layers import Layer, Stack
from recurra.layers import bidirectional as bidirectional_layer
from recurra.layers import recurrent as recurrent_layer
from recurra.tasks.run import build, complete
from recurra.tasks.task import Task
from recurra.training.recipe import Recipe

from ..tasks.conftest import TINY, WRITERS


class Lab:
    """What a row needs of a task: its files, recipe, codec, a batch, an untrained network."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: dict[str, str] = {}
        self.read: dict[str, tuple[Any, Any]] = {}

    def data(self, task: Task) -> str:
        if task.name not in self.files:
            home = self.folder / task.name
            home.mkdir()
            self.files[task.name] = WRITERS[task.name](home)
        return self.files[task.name]

    def recipe(self, task: Task, **fields: Any) -> Recipe:
        return complete(task, {**TINY, "data": self.data(task), **fields})

    def splits(self, task: Task) -> Any:
        return self._read(task)[0]

    def codec(self, task: Task) -> Any:
        return self._read(task)[1]

    def _read(self, task: Task) -> tuple[Any, Any]:
        if task.name not in self.read:
            recipe = self.recipe(task)
            splits = task.read(recipe)
            self.read[task.name] = splits, task.fit(splits.train, recipe)
        return self.read[task.name]

    def build(self, task: Task, **fields: Any) -> Any:
        torch.manual_seed(0)
        return build(task, self.codec(task), self.recipe(task, **fields))

    def batch(self, task: Task, rows: int = 6) -> Any:
        codec = self.codec(task)
        return codec.collate([codec.encode(row) for row in self.splits(task).train[:rows]])


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab(tmp_path_factory.mktemp("lab"))


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def bodies(network: Any) -> list[Layer]:
    """Return the stacks of recurrent layers of a network, the reading one first."""
    found = [getattr(network, "body", None), getattr(network, "encoder", None)]
    found.append(getattr(getattr(network, "decoder", None), "body", None))
    # where a body begins with layers that hear, the recurrent ones are the last of them
    heard = [getattr(body, "layers", [None])[-1] for body in found]
    return [
        inner if isinstance(inner, Stack) else body
        for body, inner in zip(found, heard, strict=True)
        if isinstance(body, Layer)
    ]


class Seen:
    """Inputs and outputs of modules, by the order of their calls."""

    def __init__(self, **modules: nn.Module) -> None:
        self.x: dict[str, list[Any]] = {name: [] for name in modules}
        self.y: dict[str, list[Any]] = {name: [] for name in modules}
        for name, module in modules.items():
            module.register_forward_hook(self._hook(name))

    def _hook(self, name: str) -> Any:
        def keep(_: nn.Module, x: tuple[Any, ...], y: Any) -> None:
            self.x[name].append(x)
            self.y[name].append(y[0] if isinstance(y, tuple) else y)

        return keep


def watch_cells(monkeypatch: pytest.MonkeyPatch, seen: Callable[[Any, str | None], None]) -> None:
    """Call `seen` with every cell that a layer unrolls, and the engine that it asks for."""
    unroll, both_ways = recurrent_layer.unroll, bidirectional_layer.both_ways

    def one(cell: Any, *args: Any, engine: str | None = None, **kwargs: Any) -> Any:
        seen(cell, engine)
        return unroll(cell, *args, engine=engine, **kwargs)

    def two(ahead: Any, back: Any, *args: Any) -> Any:
        if (found := both_ways(ahead, back, *args)) is not None:
            seen(ahead, args[-1])
            seen(back, args[-1])
        return found

    monkeypatch.setattr(recurrent_layer, "unroll", one)
    monkeypatch.setattr(bidirectional_layer, "both_ways", two)


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
