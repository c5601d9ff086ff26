"""A copy of a cell whose tensors lie where they are, and what tells that a cell has changed."""

import copy
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from recurra.cells.base import Cell

INTERNAL = frozenset(vars(nn.Module()))  # what torch keeps of every module
PLAIN = (bool, int, float, complex, str, bytes, type(None), torch.dtype, torch.device)


class Place(NamedTuple):
    """Where a module finds a tensor."""

    holder: dict[str, Any]
    name: str


def places(cell: nn.Module) -> Iterator[Place]:
    """Yield where tensors of a cell are: parameters, buffers and plain attributes."""
    for module in cell.modules():
        for holder in (module._parameters, module._buffers, vars(module)):
            for name, value in holder.items():
                if isinstance(value, Tensor):
                    yield Place(holder, name)


def tensors(cell: nn.Module) -> list[Tensor]:
    """Return the tensors of a cell, each once."""
    found = {id(value): value for holder, name in places(cell) for value in [holder[name]]}
    return list(found.values())


class Replica:
    """A copy of a cell as it is now; `take` renews its tensors, and nothing moves them."""

    def __init__(self, cell: Cell[Any]) -> None:
        given = tensors(cell)
        self.tensors = [value.detach().clone() for value in given]
        made = {id(value): own for value, own in zip(given, self.tensors, strict=True)}
        self.cell = copy.deepcopy(cell, made)
        number = {id(own): i for i, own in enumerate(self.tensors)}
        self._places = [
            (place, number[id(place.holder[place.name])]) for place in places(self.cell)
        ]

    def take(self, values: Sequence[Tensor]) -> None:
        """Copy the numbers that the cell's tensors have now: far less than a sequence reads."""
        # private to torch, whose optimisers use it: one launch for all
        torch._foreach_copy_(self.tensors, list(values))

    @contextmanager
    def placed(self, values: Sequence[Tensor]) -> Iterator[None]:
        """Let the copy compute with other tensors for a while."""
        self._place(values)
        try:
            yield
        finally:
            self._place(self.tensors)

    def _place(self, values: Sequence[Tensor]) -> None:
        for (holder, name), number in self._places:
            holder[name] = values[number]


def fingerprint(cell: nn.Module) -> Hashable:
    """Return what a recording has of a cell beside numbers: another one needs another recording.

    Objects that are neither modules, tensors nor plain values of Python count by identity.
    """
    kinds = tuple(kind(value) for value in tensors(cell))
    return kinds, tuple((type(part), part.training, _own(part)) for part in cell.modules())


def kind(value: Tensor) -> Hashable:
    """Return what a tensor is, beside its numbers."""
    return value.shape, value.dtype, value.device, value.requires_grad


def _own(module: nn.Module) -> Hashable:
    return tuple(
        (name, None if isinstance(value, Tensor) else _mark(value))
        for name, value in vars(module).items()
        if name not in INTERNAL
    )


def _mark(value: Any) -> Hashable:
    if isinstance(value, PLAIN):
        return type(value), value
    if isinstance(value, Tensor):  # within a list, where `places` does not find it
        return id(value), value.data_ptr(), 0 if value.is_inference() else value._version
    if isinstance(value, tuple | list):
        return type(value), tuple(map(_mark, value))
    if isinstance(value, dict):
        return dict, tuple((_mark(key), _mark(part)) for key, part in value.items())
    return type(value), id(value)
