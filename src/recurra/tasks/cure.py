"""A recipe with what its model's diagnosis asks for, and the new model that it makes."""

from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path
from typing import Any

import torch

from recurra.cells import find
from recurra.diagnostics.findings import EXPLODING, VANISHING
from recurra.diagnostics.report import Report
from recurra.errors import RecurraError
from recurra.storage import reason, replace_text
from recurra.tasks.model import Model
from recurra.tasks.run import build

CLIP = 1.0  # where a recipe clips nothing


def fields_of(model: Model, report: Report) -> dict[str, Any]:
    """Return the recipe's fields that cure what was found; none where nothing does.

    Vanishing: `time_scale` of the longest sequence; a cell without one becomes an LSTM. Exploding:
    `clip`, or half of what it was.
    """
    recipe, found = model.recipe, {finding.verdict for finding in report.findings}
    fields: dict[str, Any] = {}
    if VANISHING in found:
        scale = float(max(2, *(layer.steps for layer in report.layers)))
        if "time_scale" not in inspect.signature(find(recipe.cell)).parameters:
            fields["cell"] = "lstm"
        if recipe.time_scale != scale:
            fields["time_scale"] = scale
    if EXPLODING in found:
        fields["clip"] = recipe.clip / 2 if recipe.clip else CLIP
    return fields


def retaken(model: Model, report: Report) -> tuple[Model | None, list[str]]:
    """Return a new, untrained model by the cured recipe, and its changed flags; None: no change."""
    fields = fields_of(model, report)
    if not fields:
        return None, ["nothing was applied: no finding has a cure that a recipe can take"]
    recipe = dataclasses.replace(model.recipe, **fields)
    try:
        torch.manual_seed(recipe.seed)
        network = build(model.task, model.codec, recipe).eval()
    except RecurraError as error:
        return None, [f"nothing was applied: {error}"]
    flags = [f"--{name.replace('_', '-')} {value}" for name, value in fields.items()]
    return Model(model.task, recipe, model.codec, network, {}, model.folder), flags


def write(model: Model, folder: Path) -> Path:
    """Write a model's recipe as recipe.toml, without the folder of a run; return where it is.

    Raises:
        RecurraError: the disk refused.
    """
    path = folder / "recipe.toml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replace_text(path, dataclasses.replace(model.recipe, out=None).to_toml())
    except OSError as error:
        raise RecurraError(f"{path} cannot be written: {reason(error)}") from error
    return path
