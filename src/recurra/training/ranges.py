"""The learning-rate range test: the rate grows at each step, and the loss tells which one fits."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from statistics import median
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from recurra.errors import InputError
from recurra.training.fit import loaded
from recurra.training.launch import launch
from recurra.training.recipe import Recipe
from recurra.training.stepper import NotFinite, Stepper

PART = 20  # the loss at a rate is the median of a twentieth of the steps on either side
WORSE = 4.0  # times what was gained: that far above the least loss, it has diverged
LEAST, MOST = 40, 100_000  # rates of a test


class RangeTest(NamedTuple):
    """What a loss did while the learning rate grew.

    Args:
        rates: of each step.
        losses: of each step's batch, before it.
        half: losses on either side that make one smooth.
    """

    rates: list[float]
    losses: list[float]
    half: int

    @property
    def smooth(self) -> list[float]:
        """Losses without the noise of batches: the median of those around each."""
        return [median(self._around(self.losses, i)) for i in range(len(self.losses))]

    @property
    def lowest(self) -> float | None:
        """The rate at which the loss is lowest: beyond it, it rises. None: it does not fall."""
        smooth = self.smooth
        gained = median(self._first) - min(smooth)
        return self.rates[smooth.index(min(smooth))] if gained > self._noise else None

    @property
    def suggestion(self) -> float | None:
        """A tenth of `lowest`, with room for a long run at it; None: the loss does not fall."""
        return None if self.lowest is None else self.lowest / 10

    @property
    def diverged(self) -> bool:
        """Whether the last losses are far above the least one, beside what was gained."""
        if len(self.losses) <= 2 * len(self._first):
            return False
        least = min(self.smooth)
        gained = max(median(self._first) - least, self._noise)
        return median(self.losses[-self.half :]) > least + WORSE * gained

    @property
    def _first(self) -> list[float]:
        """The losses of the first tenth: at such rates, hardly anything has moved."""
        return self.losses[: 2 * self.half + 1]

    @property
    def _noise(self) -> float:
        """By how much losses differ from batch to batch."""
        return max(self._first) - min(self._first)

    def _around(self, numbers: Sequence[float], i: int) -> Sequence[float]:
        return numbers[max(i - self.half, 0) : i + self.half + 1]


Show = Callable[[Sequence[float]], Iterable[float]]


def range_test(
    step: Callable[[float], float],
    *,
    lowest: float = 1e-6,
    highest: float = 1.0,
    tries: int = 150,
    show: Show = iter,
) -> RangeTest:
    """Take steps at a learning rate that grows from each to the next, until the loss diverges.

        η_k = lowest (highest / lowest)^(k / (tries − 1))

    Smith 2017, https://arxiv.org/abs/1506.01186, section 3.3, whose rate grows evenly; by equal
    factors here, so that each decade has as many steps. Diverged: the loss is no finite number, or
    its median over some steps is above the least one by four times what was gained.

    Args:
        step: moves weights at a learning rate, and returns the loss before; or raises NotFinite.
        lowest: the first rate.
        highest: the last one.
        tries: how many rates, unless the loss diverges.
        show: goes through the rates, as a progress bar does.
    Raises:
        ValueError: a rate or the number of tries is out of range; or the loss is no finite number
            in the first tenth of the steps already, where no rate is to blame.
    """
    for name, rate in (("lowest", lowest), ("highest", highest)):
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 < rate < math.inf:
            raise InputError(f"{name} is {rate!r}; it is a learning rate, a number above 0")
    if not lowest < highest:
        raise InputError(f"lowest is {lowest}, and highest {highest}; the rate is to grow")
    if type(tries) is not int or not LEAST <= tries <= MOST:
        raise InputError(f"tries is {tries!r}; it is a whole number from {LEAST} to {MOST:,}")
    growth = math.log(highest / lowest) / (tries - 1)
    found = RangeTest([], [], tries // PART)
    for rate in show([lowest * math.exp(growth * k) for k in range(tries)]):
        early = len(found.losses) <= 2 * found.half
        try:
            loss = step(rate)
        except NotFinite:
            if early:
                raise
            break
        if not math.isfinite(loss):
            if early:
                raise InputError(f"the loss is {loss} at the learning rate {rate:.3g} already")
            break
        found.rates.append(rate)
        found.losses.append(loss)
        if found.diverged:
            break
    return found


def rates_of(
    network: nn.Module,
    items: Sequence[tuple[Tensor, ...]],
    collate: Callable[[Sequence[tuple[Tensor, ...]]], Any],
    *,
    recipe: Recipe,
    describe: Callable[[int], str] | None = None,
    **options: Any,
) -> RangeTest:
    """Return the range test of a network, by the steps that `fit` would take.

    Loss, batches, clipping, weight decay and precision are those of training. A copy of the
    network takes the steps: it is left as it was, as are torch's random numbers.

    Args:
        network: as for `fit`, as are items, collate and describe.
        items: encoded examples.
        collate: items → batch.
        recipe: how to train; its own learning rate and schedule are not used.
        describe: row number → where the row comes from, for error texts.
        options: of `range_test`.
    Raises:
        RecurraError: there are no rows, or the first losses are not finite already.
    """
    fabric = launch(recipe)
    with torch.random.fork_rng():
        copied = fabric.to_device(copy.deepcopy(network))
        copied = fabric.strategy.precision.convert_module(copied).train()
        torch.manual_seed(recipe.seed + fabric.global_rank)
        stepper = Stepper(copied, items, collate, recipe, fabric, describe)
        groups = enumerate(_groups(items, collate, recipe, fabric), start=1)

        def step(rate: float) -> float:
            number, group = next(groups)
            sums = stepper.step(number, group, rate, float, bool)  # neither clock nor Ctrl-C
            return sums.total / max(sums.counted, 1)

        return range_test(step, **options)


def _groups(
    items: Any, collate: Any, recipe: Recipe, fabric: Any
) -> Iterator[list[tuple[list[int], Any]]]:
    """Yield the batches of each step, epoch after epoch."""
    batches, loader = loaded(items, collate, recipe, fabric)
    while True:
        iterator = iter(loader)
        while batches.remaining > 0:
            count = min(recipe.accumulate, batches.remaining)
            yield [next(iterator) for _ in range(count)]
        next(iterator, None)  # the loader learns that the epoch is over
