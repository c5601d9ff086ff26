"""A trained model: its task, recipe, codec and network; load one, use it, save it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from recurra import bundle
from recurra.cells import find as find_cell
from recurra.errors import BundleError, RecurraError
from recurra.tasks import report
from recurra.tasks.card import card
from recurra.tasks.catalogue import find, refuse
from recurra.tasks.outlined import outlined
from recurra.tasks.stored import recipe_of, weights_of
from recurra.tasks.streams import Streamed
from recurra.tasks.task import Codec, Task, Tell
from recurra.training.options import Layers
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
        folder: of the run or bundle that it is from, where it is from one.
    """

    task: Task[Any]
    recipe: Recipe
    codec: Codec
    network: nn.Module
    metrics: dict[str, Any] = dataclasses.field(default_factory=dict)
    folder: Path | None = None

    def predict(self, inputs: Iterable[Any], **decoding: Any) -> list[Any]:
        """Return one prediction per input; each has `asdict()`, and prints for people.

        Args:
            inputs: what the task reads: texts, image files or arrays, attributes.
            decoding: recipe fields to use instead of the model's own: beam, temperature, ….
        Raises:
            RecurraError: an input cannot be read, and the text says which; or the task has no use
                for a field.
        """
        if isinstance(inputs, str | bytes) or not isinstance(inputs, Iterable):
            raise RecurraError(f"inputs: received a {type(inputs).__name__}; give a list of inputs")
        inputs, recipe = list(inputs), self._decoding(decoding)
        if not inputs:
            return []
        self.network.eval()
        with torch.inference_mode():
            return self.task.predict(self.network, self.codec, inputs, recipe)

    def write(
        self, prompts: Sequence[Any], tell: Tell = lambda _: None, **decoding: Any
    ) -> Iterator[Any]:
        """Yield a piece for each prompt, where the task writes.

        Args:
            prompts: what to begin from, as the task reads it.
            tell: is given each part of a piece as soon as it is written, where a task tells them.
            decoding: recipe fields to use instead of the model's own: temperature, top_p, seed, ….
        Raises:
            RecurraError: the task writes nothing, or a prompt cannot be read.
        """
        if self.task.write is None:
            kind = f"{self.task.name} ({self.task.type})"
            raise RecurraError(f"{kind} writes nothing; use recurra predict")
        recipe = self._decoding(decoding)
        self.network.eval()
        return self.task.write(self.network, self.codec, list(prompts), recipe, tell)

    def streamed(self) -> Streamed:
        """Return the model step by step, which `Session` and the server run.

        Raises:
            RecurraError: it waits for the end of its input, and the text says why.
        """
        if self.task.stream is None:
            raise RecurraError(f"{self.task.name} takes its input in one piece")
        self.network.eval()
        return self.task.stream(self.network, self.codec, self.recipe)

    def _decoding(self, fields: Mapping[str, Any]) -> Recipe:
        refuse(self.task, fields)
        recipe: Recipe = self.task.recipe.of(self.recipe.asdict(), fields)
        return recipe

    def evaluate(self, data: str | None = None, **fields: Any) -> dict[str, float]:
        """Return every metric of the task on data that has answers.

        Args:
            data: a file, all of which is used, or a folder, whose test part is; none: the test
                part of what the model was trained on.
            fields: recipe fields to use instead of the model's own.
        """
        recipe, examples = self.asked(data, **fields)
        return self.task.evaluate(self.network, self.codec, examples, recipe)

    def report(self, path: str | Path, data: str | None = None, **fields: Any) -> dict[str, float]:
        """Write a page about the answers, with their mistakes; return every metric, as `evaluate`.

        Args:
            path: a file that ends in .html, or a folder, for its report.html.
            data: as for `evaluate`; baseline and peers are told for the model's own data alone.
            fields: recipe fields to use instead of the model's own.
        Raises:
            RecurraError: the data cannot be used, or the file cannot be written.
        """
        file = report.place(path)
        recipe, examples = self.asked(data, **fields)
        metrics = self.task.evaluate(self.network, self.codec, examples, recipe)
        others = report.beside(self.metrics) if data is None else {}
        tested = report.Tested(examples, len(examples), recipe, metrics, others)
        report.write(file, self, tested)
        return metrics

    def asked(self, data: str | None, **fields: Any) -> tuple[Recipe, Sequence[Any]]:
        """Return recipe and examples of an evaluation; arguments as `evaluate`."""
        parts = data is None or data.startswith("hf:") or Path(data).is_dir()
        given = {} if data is None else {"data": data, "valid": None, "test": None}
        if not parts:
            # the same file as all three parts: nothing is split off from it
            given["valid"] = given["test"] = data
        refuse(self.task, fields)
        recipe: Recipe = self.task.recipe.of(self.recipe.asdict(), given, fields)
        return recipe, self.task.read(recipe).test

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
        recipe = task.recipe.of(recipe_of(task, stored.config))
        metrics = dict(stored.config.get("metrics", {}))
    except (KeyError, TypeError, RecurraError) as error:
        raise BundleError(f"{folder}: config.json is not one of ours: {error}") from error
    if ":" in recipe.cell or cell is not None:
        recipe = dataclasses.replace(recipe, cell=_own_cell(recipe.cell, cell, folder))
    if isinstance(recipe, Layers):
        recipe = dataclasses.replace(recipe, engine=None)
    try:
        codec, tensors = task.codec(stored.files), weights_of(task, stored.tensors)
        if ":" not in recipe.cell:  # sizes are believed only where the weights have them
            with outlined():
                bundle.compare(task.build(codec, recipe), tensors, folder)
        network = task.build(codec, recipe)
        bundle.fill(network, tensors, folder)
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        reason = str(error).strip().splitlines()[-1].strip() if str(error) else repr(error)
        reason += " is missing" if isinstance(error, KeyError) else ""
        raise BundleError(f"{folder}: its parts do not fit together: {reason}") from error
    network.eval()
    return Model(task, recipe, codec, network, metrics, Path(folder))


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
