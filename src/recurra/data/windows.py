"""Windows of long series: an index into them, never a copy."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import overload

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recurra.errors import InputError

Item = tuple[Tensor, ...]


class Views(Sequence[Item], ABC):
    """Items that lie in the memory of long sequences; a subclass sets how many each has."""

    ends: list[int]  # of each sequence, how many there are up to its last one

    @abstractmethod
    def view(self, number: int, offset: int) -> Item:
        """Return the item at this place of its sequence."""

    def locate(self, index: int) -> tuple[int, int]:
        """Return the sequence of an item, and its place there.

        Raises:
            IndexError: there is no such item.
        """
        if not -len(self) <= index < len(self):
            raise IndexError(f"{index} of {len(self)}")
        index %= len(self)
        number = bisect_right(self.ends, index)
        return number, index - (self.ends[number - 1] if number else 0)

    def __len__(self) -> int:
        """Return how many there are."""
        return self.ends[-1] if self.ends else 0

    @overload
    def __getitem__(self, index: int) -> Item: ...

    @overload
    def __getitem__(self, index: slice) -> list[Item]: ...

    def __getitem__(self, index: int | slice) -> Item | list[Item]:
        """Return an item, or several."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return self.view(*self.locate(index))


class Windows(Views):
    """All stretches of `past` steps and the `future` ones that follow, of several series.

    Window i lies in the memory of its series: 10,000 of them cost 10,000 numbers at most, and
    two that overlap share what they have in common.

    Args:
        series: [time, …] each; a series that is shorter than a window has none.
        past: steps that are read.
        future: steps that follow them.
        every: steps from the beginning of one window to that of the next.
        whence: of each series, the first step that may be foretold; the past may lie before it.
            None: the first that has a whole past.
    Raises:
        ValueError: a number is out of its range.
    """

    def __init__(
        self,
        series: Sequence[Tensor],
        past: int,
        future: int,
        every: int = 1,
        whence: Sequence[int] | None = None,
    ) -> None:
        for name, number, least in [("past", past, 1), ("future", future, 0), ("every", every, 1)]:
            if number < least:
                raise InputError(f"{name} is {number}; Windows takes {least} or more")
        first = [past] * len(series) if whence is None else [max(past, step) for step in whence]
        self.series, self.past, self.future, self.every = list(series), past, future, every
        self.first = [step - past for step in first]
        counts = [
            max(0, (len(one) - step - future) // every + 1) if len(one) >= step + future else 0
            for one, step in zip(self.series, first, strict=True)
        ]
        self.ends = list(accumulate(counts))

    def view(self, number: int, offset: int) -> Item:
        """Return (past [past, …], future [future, …]) of a window."""
        series, start = self.series[number], self.first[number] + offset * self.every
        middle = start + self.past
        return series[start:middle], series[middle : middle + self.future]

    def place(self, index: int) -> tuple[int, int]:
        """Return the series of a window, and its first step.

        Raises:
            IndexError: there is no such window.
        """
        number, offset = self.locate(index)
        return number, self.first[number] + offset * self.every


class Stretches(Views):
    """Long sequences cut into stretches that follow one another, for truncated backpropagation.

    Stretch i is a view into its sequence, and a number beside it that says whether it is the first
    one there. A network that carries its state reads them in the order of `training.lanes.Lanes`.

    Werbos 1990, https://doi.org/10.1109/5.58337; Williams and Peng 1990,
    https://doi.org/10.1162/neco.1990.2.4.490, whose BPTT(h; h') this is with h = h'.

    Args:
        sequences: tensors [time, …] each, all of one length.
        steps: of a stretch; the last one of a sequence may have fewer.
        wheres: where each sequence stands, for error texts; none: they are the examples.
    Raises:
        ValueError: there is no step in a stretch, or the tensors of a sequence differ in length.
    """

    def __init__(self, sequences: Sequence[Item], steps: int, wheres: Sequence[str] = ()) -> None:
        if steps < 1:
            raise InputError(f"steps is {steps}; Stretches takes 1 or more")
        for number, parts in enumerate(sequences):
            if len({len(part) for part in parts}) != 1:
                sizes = [len(part) for part in parts]
                raise InputError(f"sequence {number} has {sizes} steps; they go together")
        self.sequences, self.steps, self.wheres = list(sequences), steps, list(wheres)
        self.counts = [-(-len(parts[0]) // steps) for parts in self.sequences]
        self.ends = list(accumulate(self.counts))

    def view(self, number: int, offset: int) -> Item:
        """Return the parts of a stretch, and whether it is its sequence's first one."""
        start = offset * self.steps
        parts = (part[start : start + self.steps] for part in self.sequences[number])
        return (*parts, torch.tensor(offset == 0))

    @property
    def lengths(self) -> NDArray[np.int32]:
        """Return the steps of each stretch, without looking at any."""
        found = np.full(len(self), self.steps, np.int32)
        for end, count, parts in zip(self.ends, self.counts, self.sequences, strict=True):
            if count:
                found[end - 1] = len(parts[0]) - (count - 1) * self.steps
        return found

    def of(self, number: int) -> range:
        """Return the stretches of a sequence."""
        return range(self.ends[number] - self.counts[number], self.ends[number])
