"""The models that are served, by name."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch

from recurra.errors import RecurraError
from recurra.serve.inputs import KINDS
from recurra.tasks.model import Model, load
from recurra.tasks.streams import Streamed

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True)
class Served:
    """A model and what is told of it.

    Args:
        name: in addresses.
        model: what answers.
        hash: of task, recipe, codec and weights.
        streamed: how it is stepped; None where it waits for the end of its input.
        why: it does not stream.
    """

    name: str
    model: Model
    hash: str
    streamed: Streamed | None
    why: str | None

    @property
    def kind(self) -> str:
        """What its inputs are: text, image, …."""
        return KINDS[self.model.task.name]

    def describe(self) -> dict[str, Any]:
        """Return what a client is told."""
        model, codec = self.model, self.model.codec
        task, streamed = model.task, self.streamed
        labels = getattr(codec, "labels", None) or getattr(codec, "tags", None)
        channels = getattr(codec, "channels", None) or getattr(codec, "names", None)
        notes = getattr(codec, "notes", None)  # of music
        return {
            "name": self.name,
            "task": task.name,
            "type": task.type,
            "summary": task.summary,
            "example": task.example,
            "input": self.kind,
            "words": task.takes_words,
            "generates": task.write is not None,
            "options": sorted(decoding(model)),
            "labels": list(labels or ()),
            "channels": list(channels or ()),
            "shape": list(getattr(codec, "shape", ())) or None,
            "rate": getattr(model.recipe, "sample_rate", None),
            "step": getattr(codec, "step", None),
            "resolution": notes and notes.settings["beat_res"],
            "stream": streamed
            and {
                "unit": streamed.unit,
                "delay": streamed.layer.delay,
                "says": streamed.says,
                "seconds": streamed.seconds,
            },
            "why_no_stream": self.why,
            "hash": self.hash,
            "parameters": sum(p.numel() for p in model.network.parameters()),
            "metrics": dict(model.metrics.get("test", {})),
        }


def decoding(model: Model) -> frozenset[str]:
    """Return the options that a request may give: those of decoding, but none that names a file."""
    group = {field.name: field.metadata["group"] for field in fields(model.task.recipe)}
    found = {name for name in group if group[name] == "decoding"} - {"lm"}
    if "temperature" in found:
        found |= {"seed", "max_length"} & set(group)
    return frozenset(found)


def open_models(runs: Sequence[str]) -> dict[str, Served]:
    """Return the models of `FOLDER` or `NAME=FOLDER`, by name.

    Raises:
        RecurraError: a folder is no bundle, or two models have one name.
    """
    if not runs:
        raise RecurraError("no model; give folders of trained models: recurra serve runs/sentiment")
    found = dict[str, Served]()
    for run in runs:
        named, equals, folder = run.partition("=")
        path = Path(folder if equals else run)
        name = named if equals else path.resolve().name
        if not NAME.fullmatch(name):
            raise RecurraError(
                f"{run}: {name!r} cannot be a name in an address; give one: name={path}"
            )
        if name in found:
            raise RecurraError(f"{run}: there is a model {name!r} already; give a name: b={path}")
        found[name] = serve(name, load(path))
    return found


def serve(name: str, model: Model) -> Served:
    """Return a model as it is served."""
    model.network.eval()
    try:
        streamed, why = model.streamed(), None
    except RecurraError as error:
        streamed, why = None, str(error)
    return Served(name, model, fingerprint(model), streamed, why)


def fingerprint(model: Model) -> str:
    """Return the SHA-256 of what a model is: task, recipe, codec, weights."""
    told = json.dumps([model.task.name, model.recipe.asdict(), model.codec.files()], sort_keys=True)
    found = hashlib.sha256(told.encode())
    for name, tensor in sorted(model.network.state_dict().items()):
        found.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        found.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return found.hexdigest()
