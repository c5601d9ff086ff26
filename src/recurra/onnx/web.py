"""A folder of web pages that answer by themselves: the playground, and exported models."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import recurra
from recurra.errors import RecurraError
from recurra.onnx.browser import runtime
from recurra.onnx.folder import DESCRIPTION
from recurra.storage import reason, replace, replace_text
from recurra.tasks.model import Model

INPUTS = {
    "image_classification": "image",
    "image_captioning": "image",
    "music_generation": "key",
    "polyphonic_music": "piece",
    "signal_classification": "signal",
    "audio_classification": "sound",
    "speech_recognition": "sound",
    "forecasting": "series",
    "anomaly_detection": "series",
}  # all others read text
STEPS = {
    "sentiment": ("word", "label"),
    "ner": ("word", "tag"),
    "language_model": ("unit", "surprise"),
    "signal_classification": ("row", "label"),
    "audio_classification": ("sample", "label"),
}  # what a page streams: its unit, and what it says
PAGE = Path(recurra.__file__).parent / "serve" / "page"
MODELS, BACKEND = "models.json", 'name="recurra-backend" content="{}"'


def place(folder: Path, name: str) -> Path:
    """Return where the page looks for the graphs of a model."""
    return folder / "models" / name


def describe(name: str, model: Model, graphs: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page is told of a model (docs/server.md), given the graphs of export.json."""
    task, codec = model.task, model.codec
    unit, says = STEPS.get(task.name, ("", ""))
    streams = bool(says) and "step" in graphs and "best_path" not in graphs
    groups = {field.name: field.metadata["group"] for field in fields(task.recipe)}
    options = {option for option in groups if groups[option] == "decoding"} - {"lm"}
    stream = {"unit": unit, "delay": graphs["step"]["delay"], "says": says} if streams else None
    return {
        "name": name,
        "task": task.name,
        "type": task.type,
        "summary": task.summary,
        "example": task.example,
        "input": INPUTS.get(task.name, "text"),
        "words": task.takes_words,
        "generates": task.write is not None,
        "options": sorted(options),
        "labels": list(getattr(codec, "labels", None) or getattr(codec, "tags", None) or ()),
        "channels": list(getattr(codec, "channels", None) or getattr(codec, "names", None) or ()),
        "shape": list(getattr(codec, "shape", ())) or None,
        "rate": getattr(codec, "rate", None) or getattr(model.recipe, "sample_rate", None),
        "stream": stream,
        "why_no_stream": None if stream else "in the browser it reads its input to the end",
        "parameters": sum(weight.numel() for weight in model.network.parameters()),
        "metrics": {k: v for k, v in model.metrics.items() if isinstance(v, int | float)},
    }


def write(folder: Path, name: str, model: Model) -> int:
    """Write the page, what runs graphs in a browser, and what is told of a model.

    Models that were exported into the same folder before stay, one of the same name apart.

    Args:
        folder: where the model's graphs lie already, in their `place`.
        name: of the model.
        model: that was exported.
    Returns:
        The bytes of the folder.
    Raises:
        RecurraError: the disk refuses, or npm does not bring onnxruntime-web.
    """
    files, home = runtime(), place(folder, name)
    try:
        graphs = json.loads((home / DESCRIPTION).read_text(encoding="utf-8"))["graphs"]
        told = describe(name, model, graphs)
        shutil.copytree(PAGE, folder, dirs_exist_ok=True)
        there = folder / "onnx" / "ort"
        there.mkdir(parents=True, exist_ok=True)
        for path in files:
            replace(there / path.name, partial(shutil.copyfile, path))
        index = folder / "index.html"
        if index.is_file():
            text = index.read_text(encoding="utf-8")
            replace_text(index, text.replace(BACKEND.format("server"), BACKEND.format("onnx")))
        notes = getattr(model.codec, "notes", None)
        if notes is not None:  # the names follow from settings by rules that a browser lacks
            names = json.dumps(list(notes.tokenizer.vocab))
            replace_text(home / "tokens.json", names)
        listed = folder / MODELS
        others = json.loads(listed.read_text(encoding="utf-8")) if listed.is_file() else []
        kept = [one for one in others if one["name"] != name]
        text = json.dumps([*kept, told], ensure_ascii=False, indent=1)
        replace_text(listed, text + "\n")
        return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    except (ValueError, TypeError, LookupError) as error:
        raise RecurraError(f"{folder / MODELS} is not one of ours; give an empty folder") from error
    except OSError as error:
        raise RecurraError(f"{folder} cannot be written: {reason(error)}") from error
