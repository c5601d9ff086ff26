"""One training run: from a task and a recipe to a model in its folder."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from recurra import bundle
from recurra.data.readers.text import say
from recurra.data.windows import Stretches, Views
from recurra.errors import RecurraError
from recurra.layers import Residual
from recurra.storage import reason
from recurra.tasks import report
from recurra.tasks.body import check
from recurra.tasks.catalogue import find, refuse
from recurra.tasks.model import Model
from recurra.tasks.parts import check_parts
from recurra.tasks.resume import fingerprint, same_data, stored_recipe
from recurra.tasks.task import LOWER_IS_BETTER, Items, Task
from recurra.training.checkpoint import RunFolder
from recurra.training.options import Encoded, Layers
from recurra.training.recipe import R, Recipe


def train(task: str, data: str | None = None, **fields: Any) -> Model:
    """Train a model for a task, on your own files or on the embedded sample.

    Args:
        task: its name, as in `recurra tasks`.
        data: file, folder, two files "a,b" or "hf:NAME"; none: the embedded sample.
        fields: any field of `Recipe`: cell="mingru", hidden=256, max_time="3m", out="runs/x", …;
            and preset="quality", for those that the task has found to go well together.
    Returns:
        The model with its best weights, evaluated on the test part; its bundle, the log of
        metrics and the checkpoints lie in the folder `out` (runs/TASK).
    Raises:
        RecurraError: something that the user can mend; one line says what.
    """
    chosen = find(task)
    given = {"data": data, **fields} if data else fields
    return Run(chosen, complete(chosen, given)).train()


def complete(task: Task[R], *given: Mapping[str, Any]) -> R:
    """Return the recipe of a run: what is given, over a preset, over the task's defaults.

    The embedded sample has defaults of its own; a run that is resumed has its stored recipe.

    Raises:
        RecurraError: a field is unknown, wrong or of no use to the task, or cannot change in
            the run that is resumed.
    """
    known = {name.replace("-", "_"): value for layer in given for name, value in layer.items()}
    refuse(task, known)
    known = {**task.preset(known.pop("preset", None)), **known}
    if known.get("resume"):
        home = Path(task.recipe.of(known).out or f"runs/{task.name}")
        stored = stored_recipe(task, home, known)
        if stored is not None:
            return task.recipe.of(stored, known)
    return task.recipe.of(task.defaults, {} if known.get("data") else task.sample_defaults, known)


class Run:
    """One training run, from a task and a recipe to a model in its folder.

    Args:
        task: what to train for.
        recipe: how.
        quiet: show nothing.
    Raises:
        RecurraError: the recipe's folder holds a model already.
    """

    def __init__(self, task: Task[Any], recipe: Recipe, *, quiet: bool = False) -> None:
        self.task, self.recipe, self.quiet = task, recipe, quiet
        self.folder = place(task, recipe)
        self.first = int(os.environ.get("RANK", "0")) == 0

    def train(self) -> Model:
        """Read, fit the codec, build, train, keep the best, evaluate, save."""
        from recurra.training.fit import fit
        from recurra.training.progress import Progress

        began = time.monotonic()
        if self.recipe.threads:
            torch.set_num_threads(self.recipe.threads)
        check(self.recipe)
        splits = self.task.read(self.recipe)
        if isinstance(self.recipe, Encoded):
            # what was guessed for these files holds for all that the model is given later
            self.recipe = dataclasses.replace(self.recipe, encoding=splits.encoding)
        check_parts(splits, self.recipe)
        torch.manual_seed(self.recipe.seed)
        codec = self.task.fit(splits.train, self.recipe)
        run = RunFolder(self.folder, data=fingerprint(splits))
        if self.recipe.resume and run.last.exists():
            codec = same_data(run, run.fingerprint, codec)
        # first, because it needs the libraries that the last evaluation will need
        baseline = self.task.baseline(codec, splits.train, splits.test, self.recipe)
        network = build(self.task, codec, self.recipe)
        model = Model(self.task, dataclasses.replace(self.recipe, resume=False), codec, network)
        model.folder = self.folder
        run.opening = lambda: model.save(self.folder)
        # as they were read: a report shows pictures, not what is seen in them
        shown = splits.test[: report.REVIEWED]
        if self.task.prepare:
            splits = self.task.prepare(network, codec, splits, self.recipe)
        items = self.task.items(codec, splits.train, self.recipe)
        history = fit(
            network,
            items,
            codec.collate,
            recipe=self.recipe,
            run=run,
            validate=lambda network: self.task.validate(network, codec, splits.valid, self.recipe),
            metric=self.task.criterion,
            higher=self.task.criterion not in LOWER_IS_BETTER,
            progress=Progress(quiet=self.quiet),
            describe=lambda row: source(items, splits.train, row),
            began=began,
        )
        if self.task.finish:
            self.task.finish(network, codec, splits.valid, self.recipe)
        model.metrics = {
            "test": self.task.evaluate(network, codec, splits.test, self.recipe),
            "baseline": baseline,
            "metric": self.task.metric if self.recipe.data else self.task.sample_metric,
            "train_examples": len(splits.train),
            "valid_examples": len(splits.valid),
            "test_examples": len(splits.test),
            "skipped_rows": splits.skipped,
            "stopped": history.stopped,
            "best_step": history.best_step,
            "seconds": round(history.seconds, 1),
        }
        if self.task.peers:
            peers = self.task.peers(codec, splits.train, splits.test, self.recipe)
            model.metrics["peers"] = peers
        if self.first:
            model.save(self.folder)
            self.report(model, shown)
        return model

    def report(self, model: Model, rows: Sequence[Any]) -> None:
        """Write the page beside the bundle, or tell why not: the model is saved already."""
        path, metrics = self.folder / bundle.REPORT, model.metrics
        count, others = metrics["test_examples"], report.beside(metrics)
        tested = report.Tested(rows, count, model.recipe, metrics["test"], others)
        try:
            report.write(path, model, tested)
        except Exception as error:  # whatever it is, hours of training do not end in it
            say(f"{path} was not written: {type(error).__name__}: {reason(error)}")


def source(items: Items, examples: Sequence[Any], row: int) -> str:
    """Return where a training item comes from."""
    number = items.locate(row)[0] if isinstance(items, Views) else row
    if isinstance(items, Stretches) and items.wheres:
        return items.wheres[number]
    return getattr(examples[number], "where", f"row {row}")


def build(task: Task[Any], codec: Any, recipe: Recipe) -> nn.Module:
    """Return the task's network, untrained.

    Raises:
        RecurraError: the recipe's parts do not fit each other, or one of them has no effect.
    """
    try:
        network = task.build(codec, recipe)
    except ValueError as error:
        raise RecurraError(f"this recipe makes no model: {error}") from error
    asked = isinstance(recipe, Layers) and recipe.residual
    if asked and not any(isinstance(part, Residual) for part in network.modules()):
        raise RecurraError(
            "residual: no layer's output is as wide as its input, so none can be added to it; "
            "raise layers to 2 or more"
        )
    return network


def place(task: Task[Any], recipe: Recipe) -> Path:
    """Return the folder of a run: the recipe's, or the first of runs/TASK, runs/TASK-2 … free.

    Raises:
        RecurraError: the recipe's folder holds a model already, and the run does not resume it.
    """
    home = Path(recipe.out or f"runs/{task.name}")
    if recipe.resume:
        return home
    if recipe.out and trained(home):
        raise RecurraError(
            f"{home} holds a model already; choose another --out, or go on with --resume"
        )
    number = 1
    while trained(home):
        number += 1
        home = home.with_name(f"{task.name}-{number}")
    return home


def trained(home: Path) -> bool:
    """Return whether a folder holds a model that training has improved at least once."""
    config = home / bundle.CONFIG
    if not config.exists() or (home / "metrics.jsonl").exists():
        return config.exists()
    try:
        stored = json.loads(config.read_bytes())
    except (OSError, ValueError):
        return True
    # A run that failed before its first validation leaves a bundle without metrics.
    return not isinstance(stored, dict) or stored.get("metrics") != {}
