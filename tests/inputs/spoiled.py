"""Arguments, and what may be wrong with each kind of them."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from recurra import tree

Draw = random.Random
OTHER_KINDS: list[Callable[[Tensor], Any]] = [
    lambda x: x.tolist(),
    lambda x: x.detach().resolve_conj().numpy(),
    lambda x: "x",
    lambda x: 3.0,
    lambda x: (x, x),
    lambda x: object(),
]


def _resized(draw: Draw, x: Tensor, axis: int) -> Tensor:
    before = x.shape[axis]
    after = draw.choice(
        [
            size
            for size in (0, 1, before - 1, before + 1, 2 * before + 3)
            if size >= 0 and size != before
        ]
    )
    index = torch.arange(after) % max(before, 1)
    return (
        x.index_select(axis, index)
        if before
        else x.new_zeros(*x.shape[:axis], after, *x.shape[axis + 1 :])
    )


@dataclass
class Argument:
    """A right value; `optional` ones may be None."""

    value: Any
    optional: bool = False

    def spoil(self, draw: Draw) -> Any:
        """Return a value that is wrong."""
        ways = self.ways()
        way = draw.choice(ways + ([] if self.optional else [lambda draw: None]))
        return way(draw)

    def ways(self) -> list[Callable[[Draw], Any]]:
        """Return what may be wrong."""
        raise NotImplementedError


@dataclass
class Array(Argument):
    """A tensor; sizes along `fixed` axes are bound, its number type is where `dtypes` has others.

    most: where it has whole numbers, how many there are of them.
    """

    fixed: tuple[int, ...] = ()
    dtypes: tuple[torch.dtype, ...] = (
        torch.float64,
        torch.float16,
        torch.int64,
        torch.bool,
        torch.complex64,
    )
    placed: bool = True
    most: int | None = None
    dims: bool = True

    def ways(self) -> list[Callable[[Draw], Any]]:
        x: Tensor = self.value
        ways: list[Callable[[Draw], Any]] = [
            lambda draw: draw.choice(OTHER_KINDS)(x),
            lambda draw: x.to_sparse(),
        ]
        if self.dtypes:
            ways.append(lambda draw: x.to(draw.choice(self.dtypes)))
        if self.dims:
            ways += [lambda draw: x[None], lambda draw: x.new_zeros(())]
        if self.fixed:
            ways += 3 * [lambda draw: _resized(draw, x, draw.choice(self.fixed))]
        if self.placed:
            ways.append(lambda draw: x.to("meta"))
        if self.most is not None and x.numel():
            ways += 2 * [self._outside]
        return ways

    def _outside(self, draw: Draw) -> Tensor:
        assert self.most is not None
        x = self.value.clone()
        wrong = draw.choice([-1, -100, self.most, self.most + 7, 1 << 40, -(1 << 40)])
        x.view(-1)[draw.randrange(x.numel())] = wrong
        return x


WHOLE = (torch.float32, torch.float64, torch.bool, torch.complex64)


@dataclass
class Lengths(Argument):
    """One number of steps for each row."""

    resized: bool = True

    def ways(self) -> list[Callable[[Draw], Any]]:
        lengths: Tensor = self.value
        return [
            *([lambda draw: _resized(draw, lengths, 0)] * 2 * self.resized),
            lambda draw: lengths.to(draw.choice(WHOLE)),
            lambda draw: draw.choice([lengths[None], lengths[:, None], lengths.sum()]),
            lambda draw: draw.choice(OTHER_KINDS)(lengths),
            lambda draw: lengths.index_fill(
                0, torch.tensor([draw.randrange(len(lengths))]), draw.choice([-1, -(1 << 40)])
            ),
        ]


@dataclass
class Mask(Argument):
    """True where something counts."""

    def ways(self) -> list[Callable[[Draw], Any]]:
        mask: Tensor = self.value
        return [
            lambda draw: _resized(draw, mask, draw.randrange(mask.dim())),
            lambda draw: mask.to(draw.choice([torch.float32, torch.int64, torch.uint8])),
            lambda draw: draw.choice([mask[None], mask.new_zeros(())]),
            lambda draw: draw.choice(OTHER_KINDS)(mask),
        ]


@dataclass
class State(Argument):
    """A tensor or (nested, named) tuple of tensors; of other `rows` it is wrong too."""

    rows: bool = True

    def ways(self) -> list[Callable[[Draw], Any]]:
        state = self.value
        leaves = tree.leaves(state)

        def leaf(draw: Draw) -> Any:
            place = draw.randrange(len(leaves))
            part = leaves[place]
            array = Array(part, fixed=tuple(range(part.dim())))
            wrong = array.spoil(draw)
            return tree.unflatten(state, [*leaves[:place], wrong, *leaves[place + 1 :]])

        def structure(draw: Draw) -> Any:
            ways = [lambda: 3.0, lambda: "h", lambda: list(leaves), lambda: (state, state, state)]
            if isinstance(state, tuple):
                ways += [lambda: (*leaves, leaves[0]), lambda: ()]
                if hasattr(state, "_fields"):
                    ways.append(lambda: tuple(state))
                    ways.append(lambda: dict(state._asdict()))
            return draw.choice(ways)()

        def rows(draw: Draw) -> Any:
            after = draw.choice([0, 1, len(leaves[0]) + 1, 2 * len(leaves[0]) + 5])
            if after == len(leaves[0]):
                after += 1
            return tree.map(lambda part: part[torch.arange(after) % len(part)], state)

        return [leaf, leaf, leaf, structure, *([rows] * self.rows)]


@dataclass
class Choice(Argument):
    """A value for which `wrong` ones are named."""

    wrong: tuple[Any, ...] = ()

    def ways(self) -> list[Callable[[Draw], Any]]:
        return [lambda draw: draw.choice(self.wrong)]
