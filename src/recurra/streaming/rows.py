"""Which rows of a stream are in use, and which of them a step takes."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from recurra.errors import InputError, InputTypeError, RecurraError


class Rows(NamedTuple):
    """Rows of one step, in the order of its inputs; `whole` where they are all there are."""

    size: int
    places: Tensor
    whole: bool


class Seats:
    """`capacity` rows, the first `taken` of them in use at first."""

    def __init__(self, capacity: int, taken: int) -> None:
        self.capacity = capacity
        self._taken = set(range(taken))
        self.live = self.name(range(taken))

    def name(self, rows: Sequence[int] | Tensor) -> Rows:
        """Return rows by their numbers.

        Raises:
            InputTypeError: they are no sequence of whole numbers.
            InputError: a row is not in use, or is named twice.
        """
        numbers = rows.tolist() if isinstance(rows, Tensor) else rows
        if not isinstance(numbers, Sequence) or not all(type(number) is int for number in numbers):
            raise InputTypeError(f"rows are numbers of rows, as [0, 2]; got {_shown(rows)}")
        numbers = list(numbers)
        if not self._taken.issuperset(numbers):
            wrong = next(row for row in numbers if row not in self._taken)
            raise InputError(f"row {wrong} is not in use; in use are {sorted(self._taken)}")
        if len(set(numbers)) != len(numbers):
            raise InputError(f"a row is named twice in {numbers}; a step takes a row once")
        places = torch.tensor(numbers, dtype=torch.int64, device="cpu")
        whole = len(numbers) == self.capacity and numbers == list(range(self.capacity))
        return Rows(len(numbers), places, whole)

    def take(self) -> int:
        """Take the first free row.

        Raises:
            RecurraError: there is none.
        """
        if len(self._taken) == self.capacity:
            raise RecurraError(
                f"all {self.capacity} rows are in use; let one leave, or give a larger capacity"
            )
        row = next(row for row in range(self.capacity) if row not in self._taken)
        self._change(self._taken | {row})
        return row

    def free(self, row: int) -> None:
        """Free a row.

        Raises:
            InputError: it is not in use.
        """
        self.name([row])
        self._change(self._taken - {row})

    def _change(self, taken: set[int]) -> None:
        self._taken = taken
        self.live = self.name(sorted(taken))


def _shown(rows: object) -> str:
    if isinstance(rows, Tensor):
        return f"a tensor {list(rows.shape)} of {rows.dtype}"
    return repr(rows)[:100]
