"""The recipe and the weights that a bundle stores, in the words of today."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from recurra.tasks.task import Task

# by task: what weights were called, and what they are called since
RENAMED = {
    "ner": {
        "embed.characters.table.weight": "embed.spelling.characters.table.weight",
        "embed.spelling.weight": "embed.spelling.filters.weight",
        "embed.spelling.bias": "embed.spelling.filters.bias",
    }
}
# the options of schema 1, whose recipe was one record for all tasks
FLAT = frozenset(
    """data valid test text_column label_column image_column token_column tag_column
    sentence_column source target encoding skip_bad_rows max_length vocabulary cell engine hidden
    layers embedding bidirectional lookahead residual time_scale pool output attention
    input_feeding dropout variational weight_drop word_dropout label_smoothing scheduled_sampling
    epochs batch_size accumulate learning_rate weight_decay warmup schedule clip patience max_time
    beam temperature top_k top_p seed out resume device precision threads
    tensorboard""".split()  # noqa: SIM905  # as a list, it would be sixty lines
)


def recipe_of(task: Task[Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the stored options that the task has.

    Schema 1 stored those of all tasks, at their defaults where the task had no use for them.

    Args:
        task: the bundle's.
        config: its config.json.
    """
    stored: dict[str, Any] = config["recipe"]
    if config["schema"] > 1:
        return stored
    foreign = FLAT - task.options
    return {name: value for name, value in stored.items() if name not in foreign}


def weights_of(task: Task[Any], tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a bundle's weights by the names that the task's network has for them."""
    names = RENAMED.get(task.name, {})
    return {names.get(name, name): tensor for name, tensor in tensors.items()}
