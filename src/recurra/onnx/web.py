"""A folder of web pages that answer by themselves: the playground, and exported models."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from recurra.errors import RecurraError
from recurra.onnx.browser import runtime
from recurra.onnx.folder import DESCRIPTION
from recurra.storage import reason, replace, replace_text
from recurra.tasks.model import Model

PAGE = Path(__file__).parents[1] / "serve" / "page"
MODELS, BACKEND = "models.json", 'name="recurra-backend" content="{}"'


def place(folder: Path, name: str) -> Path:
    """Return where the page looks for the graphs of a model."""
    return folder / "models" / name


def described(told: dict[str, Any], graphs: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is told of a model in the browser: it streams no more than its graphs can.

    Args:
        told: of the model by a server (docs/server.md).
        graphs: of its export.json.
    """
    stream = told["stream"]
    if not stream or "step" in graphs:
        return told
    why = "its steps are in no graph; use recurra serve"
    return {**told, "stream": None, "why_no_stream": why}


def write(folder: Path, told: dict[str, Any], model: Model) -> int:
    """Write the page, what runs graphs in a browser, and what is told of a model.

    Models that were exported into the same folder before stay, one of the same name apart.

    Args:
        folder: where the model's graphs lie already, in their `place`.
        told: of the model by a server (docs/server.md).
        model: that was exported.
    Returns:
        The bytes of the folder.
    Raises:
        RecurraError: the disk refuses, or npm does not bring onnxruntime-web.
    """
    files, name = runtime(), told["name"]
    home = place(folder, name)
    try:
        graphs = json.loads((home / DESCRIPTION).read_text(encoding="utf-8"))["graphs"]
        told = described(told, graphs)
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
