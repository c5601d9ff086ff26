"""Training: one loop for every topology, on one process or many."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from recurra.data.windows import Stretches
from recurra.training import memory
from recurra.training.batches import Batches, load, ranks
from recurra.training.checkpoint import RunFolder
from recurra.training.clock import Clock
from recurra.training.interrupt import interruptible
from recurra.training.lanes import Lanes
from recurra.training.launch import launch
from recurra.training.loop import Loop
from recurra.training.progress import Progress
from recurra.training.recipe import Recipe
from recurra.training.standing import History, Judge
from recurra.training.stepper import Stepper

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def fit(
    network: nn.Module,
    train_items: Sequence[tuple[Tensor, ...]],
    collate: Callable[[Sequence[tuple[Tensor, ...]]], Any],
    *,
    recipe: Recipe,
    run: RunFolder | str | Path | None,
    validate: Callable[[nn.Module], Mapping[str, float]],
    metric: str,
    higher: bool,
    progress: Progress | None = None,
    describe: Callable[[int], str] | None = None,
    began: float | None = None,
) -> History:
    """Train a network in place; it ends with the weights of its best validation.

    Ctrl-C finishes the step, saves and returns. Under torchrun, every process calls this with
    the same arguments; the first one validates, writes and shows.

    Args:
        network: has `loss(batch, smoothing=)`, which returns a sum and its count.
        train_items: encoded examples; the first tensor's length is the row's. Of `Stretches`,
            rows are lanes, and the network carries their state from batch to batch.
        collate: items → batch.
        recipe: how to train.
        run: the folder of the run, which holds its bundle already; None: nothing is written.
        validate: the network, in evaluation mode on the run's device → metrics.
        metric: the one of them that decides which weights are best.
        higher: whether more of it is better.
        progress: where to show the run; None: nowhere.
        describe: row number → where the row comes from, for error texts.
        began: when the caller's clock started (`time.monotonic()`), for `max_time`; None: now.
    Raises:
        RecurraError: there are no rows; a number stopped being finite; the disk refused; there
            is no run to resume, or it was another one. The last good checkpoint is kept.
    """
    clock = Clock(recipe, time.monotonic() if began is None else began)
    folder = run if run is None or isinstance(run, RunFolder) else RunFolder(run)
    memory.keep()
    fabric = launch(recipe)
    with interruptible() as asked:
        network = fabric.strategy.precision.convert_module(fabric.to_device(network))
        torch.manual_seed(recipe.seed + fabric.global_rank)
        stepper = Stepper(network, train_items, collate, recipe, fabric, describe)
        batches, loader = loaded(train_items, collate, recipe, fabric)
        judge = Judge(validate, metric, higher)
        loop = Loop(stepper, batches, loader, folder, clock, judge, asked)
        shown = progress if fabric.is_global_zero else None
        with shown or nullcontext():
            loop.progress = shown
            loop.begin()
            return loop.finish(loop.train())


def loaded(
    items: Sequence[tuple[Tensor, ...]],
    collate: Callable[[Sequence[tuple[Tensor, ...]]], Any],
    recipe: Recipe,
    fabric: Fabric,
) -> tuple[Batches, Any]:
    """Return this process's batches, and what loads them epoch by epoch."""
    order = recipe.batch_size, recipe.seed, fabric.global_rank, fabric.world_size
    batches = (
        Lanes(items, *order) if isinstance(items, Stretches) else Batches(ranks(items), *order)
    )
    return batches, load(items, collate, batches, pin=fabric.device.type == "cuda")
