"""The loop that one writes in plain PyTorch: how long an epoch takes there, and where it leads."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from statistics import median
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader

from recurra.benchmarks.peers.in_place import WAYS, in_place
from recurra.data.splits import Splits
from recurra.data.windows import Stretches
from recurra.tasks.model import Model
from recurra.tasks.run import build
from recurra.topologies.carry import carrying
from recurra.training import memory
from recurra.training.batches import Batches, lengths, ranks
from recurra.training.fit import fit
from recurra.training.lanes import Lanes
from recurra.training.options import Classes
from recurra.training.recipe import Recipe

OURS = "recurra"
OTHER = " (reads padding)"  # of a loop whose network computes something else
ROUNDS, SECONDS = 3, 5  # of each side


class Loop:
    """A network, AdamW and a DataLoader, batch after batch; rows of a batch are near in length.

    Args:
        network: with `loss`.
        items: encoded examples.
        collate: items → batch.
        recipe: batch size, rate, decay, clipping, smoothing, seed.
    """

    def __init__(self, network: nn.Module, items: Any, collate: Any, recipe: Recipe) -> None:
        self.network, self.recipe = network.train(), recipe
        order = recipe.batch_size, recipe.seed
        self.batches: Batches = (
            Lanes(items, *order) if isinstance(items, Stretches) else Batches(ranks(items), *order)
        )
        self.loader = DataLoader(items, batch_sampler=self.batches, collate_fn=collate)
        self.options = {"smoothing": recipe.label_smoothing} if isinstance(recipe, Classes) else {}
        self.optimiser = torch.optim.AdamW(
            network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        self.source = self._endless()

    def _endless(self) -> Iterator[Any]:
        while True:
            yield from self.loader

    def step(self) -> None:
        """Take one step."""
        self.optimiser.zero_grad()
        loss = self.network.loss(next(self.source), **self.options)  # type: ignore[operator]  # as every topology has it
        (loss.total / loss.count).backward()
        if self.recipe.clip:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.clip)
        self.optimiser.step()

    def epoch(self, seconds: float) -> float:
        """Return how long an epoch takes, by so many seconds of it."""
        steps, began = 0, time.perf_counter()
        while (now := time.perf_counter() - began) < seconds or not steps:
            self.step()
            steps += 1
        return now / steps * len(self.batches)

    def train(self, seconds: float, loss: Callable[[nn.Module], float]) -> None:
        """Train for so long; the rate falls from its peak to 0 like a cosine.

        Args:
            seconds: training and validation, after every epoch.
            loss: of the validation part, which chooses the weights.
        """
        began, steps, least, seconds = time.monotonic(), 0, math.inf, max(seconds, 1e-3)
        best: dict[str, Any] = {}
        while (share := (time.monotonic() - began) / seconds) < 1 or not best:
            for group in self.optimiser.param_groups:
                group["lr"] = self.recipe.learning_rate * (1 + math.cos(math.pi * share)) / 2
            self.step()
            steps += 1
            if steps % len(self.batches) == 0 or time.monotonic() - began >= seconds:
                self.network.eval()
                if (now := loss(self.network)) < least:
                    least, best = now, copy.deepcopy(self.network.state_dict())
                self.network.train()
        self.network.load_state_dict(best)
        self.network.eval()


def epochs(model: Model, seconds: int = SECONDS) -> dict[str, float]:
    """Return how long an epoch of a model's training takes: recurra's, and plain loops' of it.

    In turn, several times, the median of each. No evaluation is part of it. A cell that `torch.nn`
    does not have is no row. Of a loop whose network has another loss, the name says so.

    Args:
        model: trained by `recurra.train`; its data are read again.
        seconds: of each turn.
    """
    task, codec = model.task, model.codec
    recipe = replace(model.recipe, epochs=10**6, max_time=f"{seconds}s", patience=0)
    network = build(task, codec, recipe)
    items = task.items(codec, readied(model, network, recipe).train, recipe)
    loops = {}
    for way in WAYS:
        try:
            other = in_place(network, way)
        except (TypeError, ValueError):
            return {}
        trained = model.network, in_place(model.network, way)
        name = f"torch.nn, {way}" + ("" if same(*trained, items, codec.collate) else OTHER)
        loops[name] = Loop(other, items, codec.collate, recipe)
    memory.keep()  # what recurra asks of the C library is given to the others too
    found: dict[str, list[float]] = {name: [] for name in [OURS, *loops]}
    for turn in range(ROUNDS + 1):
        took = {OURS: ours(copy.deepcopy(network), items, codec.collate, recipe)}
        took |= {name: loop.epoch(float(seconds)) for name, loop in loops.items()}
        for name, value in took.items():
            if turn:  # the first one warms up
                found[name].append(value)
    return {name: median(values) for name, values in found.items()}


def same(network: nn.Module, other: nn.Module, items: Any, collate: Any) -> bool:
    """Return whether two networks have one loss of the shortest item beside the longest.

    Trained ones: without biases, a state that reads zeros stays zero.
    """
    if isinstance(items, Stretches):
        rows = [items.of(number)[0] for number in range(min(2, len(items.counts)))]
    else:
        sizes = [int(size) for size in lengths(items)]
        rows = [sizes.index(min(sizes)), sizes.index(max(sizes))]
    batch = collate([items[row] for row in rows])
    found = []
    for one in (network, other):
        training = one.training
        one.eval()
        with torch.no_grad(), carrying(one):
            found.append(float(one.loss(batch).total))  # type: ignore[operator]  # as above
        one.train(training)
    return math.isclose(*found, rel_tol=1e-4, abs_tol=1e-4)


def lstm(model: Model) -> dict[str, float]:
    """Return the test figures of `torch.nn.LSTM` in a model's place, trained as long in that loop.

    Args:
        model: trained by `recurra.train`; its data are read again.
    """
    task, codec = model.task, model.codec
    recipe = replace(model.recipe, cell="lstm")
    torch.manual_seed(recipe.seed)
    network = build(task, codec, recipe)
    splits = readied(model, network, recipe)
    network = in_place(network, "padded")
    loop = Loop(network, task.items(codec, splits.train, recipe), codec.collate, recipe)

    def loss(network: nn.Module) -> float:
        return float(task.validate(network, codec, splits.valid, recipe)["loss"])

    loop.train(model.metrics["seconds"], loss)
    return dict(task.evaluate(network, codec, splits.test, recipe))


def readied(model: Model, network: nn.Module, recipe: Recipe) -> Splits[Any]:
    """Return a model's data, read again, as its task prepares them for a network."""
    splits = model.task.read(recipe)
    if model.task.prepare is None:
        return splits
    return model.task.prepare(network, model.codec, splits, recipe)


def ours(network: nn.Module, items: Any, collate: Any, recipe: Recipe) -> float:
    """Return how long an epoch of `fit` takes, by as much of it as fits into its `max_time`.

    From the first batch to the last step: what comes before it comes once in a run.
    """
    began, ended = list[float](), 0.0

    def gather(rows: Any) -> Any:
        began.append(time.perf_counter())
        return collate(rows)

    def validate(_: nn.Module) -> dict[str, float]:
        nonlocal ended
        ended = time.perf_counter()
        return {"loss": 0.0}

    history = fit(
        network,
        items,
        gather,
        recipe=recipe,
        run=None,
        validate=validate,
        metric="loss",
        higher=False,
    )
    return (ended - began[0]) / history.epoch
