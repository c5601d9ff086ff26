"""A trained model: its task, recipe, codec and network; train one, load one, use it."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from recurra import bundle
from recurra.cells import find as find_cell
from recurra.data.splits import Splits
from recurra.errors import BundleError, RecurraError
from recurra.tasks.card import card
from recurra.tasks.catalogue import find
from recurra.tasks.task import LOWER_IS_BETTER, Codec, Task
from recurra.training.recipe import Recipe


@dataclasses.dataclass
class Model:
    """What `train` returns and `load` finds again.

    Args:
        task: what the model is for.
        recipe: how it was made.
        codec: what stands between examples and tensors.
        network: the topology with its weights.
        metrics: what the test part said, where it was evaluated.
    """

    task: Task
    recipe: Recipe
    codec: Codec
    network: nn.Module
    metrics: dict[str, Any] = dataclasses.field(default_factory=dict)

    def predict(self, inputs: Sequence[Any], **decoding: Any) -> list[Any]:
        """Return one prediction per input; each has `asdict()`, and prints for people.

        Args:
            inputs: what the task reads: texts, image files or arrays, attributes.
            decoding: recipe fields to use instead of the model's own: beam, temperature, ….
        Raises:
            RecurraError: an input cannot be read; the text says which.
        """
        recipe = Recipe.of(self.recipe.asdict(), decoding)
        self.network.eval()
        with torch.inference_mode():
            return self.task.predict(self.network, self.codec, inputs, recipe)

    def evaluate(self, data: str | None = None, **fields: Any) -> dict[str, float]:
        """Return every metric of the task on the test part of `data` (none: of its own data)."""
        given = {} if data is None else {"data": data, "valid": None, "test": None}
        recipe = Recipe.of(self.recipe.asdict(), given, fields)
        examples = self.task.read(recipe)
        return self.task.evaluate(self.network, self.codec, examples.test, recipe)

    def save(self, folder: str | Path) -> Path:
        """Write a bundle: everything that prediction needs, and nothing executable."""
        return bundle.write(
            Path(folder),
            config=self.config(),
            tensors=dict(self.network.state_dict()),
            files=self.codec.files(),
            card=card(self.task, self.recipe, self.metrics, self.network),
        )

    def config(self) -> dict[str, Any]:
        """Return what the bundle's config.json says beside its schema."""
        return {
            "task": self.task.name,
            "type": self.task.type,
            "recipe": self.recipe.asdict(),
            "metrics": self.metrics,
        }


def load(folder: str | Path, *, cell: str | None = None) -> Model:
    """Return the model of a bundle.

    Args:
        folder: the bundle.
        cell: where the model was trained with a cell of your own: its `file.py:Class` again.
            A bundle never says what to import.
    Raises:
        BundleError: the bundle is missing, damaged, foreign, or needs `cell`.
    """
    stored = bundle.read(Path(folder))
    try:
        task = find(str(stored.config["task"]))
        recipe = Recipe.of(stored.config["recipe"])
        metrics = dict(stored.config.get("metrics", {}))
    except (KeyError, TypeError, RecurraError) as error:
        raise BundleError(f"{folder}: config.json is not one of ours: {error}") from error
    if ":" in recipe.cell or cell is not None:
        recipe = dataclasses.replace(recipe, cell=_own_cell(recipe.cell, cell, folder))
    recipe = dataclasses.replace(recipe, engine=None)
    try:
        codec = task.codec(stored.files)
        network = task.build(codec, recipe)
        network.load_state_dict(stored.tensors)
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        reason = str(error).strip().splitlines()[-1].strip() if str(error) else repr(error)
        raise BundleError(f"{folder}: its parts do not fit together: {reason}") from error
    network.eval()
    return Model(task, recipe, codec, network, metrics)


def _own_cell(trained_with: str, given: str | None, folder: str | Path) -> str:
    name = trained_with.rsplit(":", 1)[-1]
    if given is None:
        raise BundleError(
            f"{folder} was trained with a cell of your own, {name}; a bundle holds no code: "
            f"name the cell again, as in --cell my_cell.py:{name}"
        )
    if find_cell(given).__name__.lower() != name.lower():
        raise BundleError(f"{folder} was trained with the cell {name}, not {given}")
    return given


def train(task: str, data: str | None = None, **fields: Any) -> Model:
    """Train a model for a task, on your own files or on the embedded sample.

    Args:
        task: its name, as in `recurra tasks`.
        data: file, folder, two files "a,b" or "hf:NAME"; none: the embedded sample.
        fields: any field of `Recipe`: cell="mingru", hidden=256, max_time="3m", out="runs/x", …
    Returns:
        The model with its best weights, evaluated on the test part; its bundle, the log of
        metrics and the checkpoints lie in the folder `out` (runs/TASK).
    Raises:
        RecurraError: something that the user can mend; one line says what.
    """
    chosen = find(task)
    sample = {} if data else chosen.sample_defaults
    recipe = Recipe.of(chosen.defaults, sample, {"data": data}, fields)
    return Run(chosen, recipe).train()


class Run:
    """One training run, from a task and a recipe to a model in its folder."""

    def __init__(self, task: Task, recipe: Recipe, *, quiet: bool = False) -> None:
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
        splits = self.task.read(self.recipe)
        torch.manual_seed(self.recipe.seed)
        codec = self.task.fit(splits.train, self.recipe)
        model = Model(self.task, self.recipe, codec, self.task.build(codec, self.recipe))
        if self.first and not self.recipe.resume:
            model.save(self.folder)
        history = fit(
            model.network,
            [codec.encode(example) for example in splits.train],
            codec.collate,
            recipe=self.recipe,
            run=self.folder,
            validate=lambda network: self.task.validate(network, codec, splits.valid, self.recipe),
            metric=self.task.criterion,
            higher=self.task.criterion not in LOWER_IS_BETTER,
            progress=Progress(quiet=self.quiet),
            describe=lambda row: getattr(splits.train[row], "where", f"row {row}"),
            began=began,
        )
        model.metrics = self.report(model, splits, history.seconds)
        if self.first:
            model.save(self.folder)
        return model

    def report(self, model: Model, splits: Splits[Any], seconds: float) -> dict[str, Any]:
        """Return the test part's metrics beside the trivial baseline's."""
        test: Mapping[str, float] = self.task.evaluate(
            model.network, model.codec, splits.test, self.recipe
        )
        return {
            "test": dict(test),
            "baseline": self.task.baseline(splits.train, splits.test),
            "metric": self.task.metric if self.recipe.data else self.task.sample_metric,
            "train_examples": len(splits.train),
            "valid_examples": len(splits.valid),
            "test_examples": len(splits.test),
            "skipped_rows": splits.skipped,
            "seconds": round(seconds, 1),
        }


def place(task: Task, recipe: Recipe) -> Path:
    """Return the folder of a run: the recipe's, or the first of runs/TASK, runs/TASK-2 … free.

    Raises:
        RecurraError: the recipe's folder holds a model already, and the run does not resume it.
    """
    home = Path(recipe.out or f"runs/{task.name}")
    if recipe.resume:
        return home
    if recipe.out and (home / bundle.CONFIG).exists():
        raise RecurraError(
            f"{home} holds a model already; choose another --out, or go on with --resume"
        )
    number = 1
    while (home / bundle.CONFIG).exists():
        number += 1
        home = home.with_name(f"{task.name}-{number}")
    return home
