"""The folder of an export: graphs, the codec's files, and export.json, which describes them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from recurra.bundle import own_version
from recurra.errors import RecurraError
from recurra.onnx.graph import Graph, Value
from recurra.onnx.narrow import Narrowed
from recurra.onnx.parity import Compared
from recurra.storage import reason, replace, replace_text, sha256

SCHEMA, DESCRIPTION = 1, "export.json"


@dataclass(frozen=True)
class Content:
    """What is written.

    Args:
        graphs: by name, with their bytes.
        compared: numbers beside the network's own.
        metrics: by name, the network's and the graphs'.
        described: what else export.json says of the model.
        files: of the codec, by name.
        narrow: by kind of weights, the bytes of each graph.
        narrowed: by kind of weights, what they are worth.
    """

    graphs: Mapping[str, tuple[Graph, bytes]]
    compared: Sequence[Compared]
    metrics: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    described: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    narrow: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)
    narrowed: Mapping[str, Narrowed] = field(default_factory=dict)


def write(folder: Path, content: Content) -> dict[str, int]:
    """Write graphs and files, and last what describes them; return the bytes of each graph.

    Raises:
        RecurraError: the disk refuses.
    """
    sizes, told = dict[str, int](), dict[str, Any]()

    def put(name: str, found: bytes) -> dict[str, str]:
        replace(folder / name, partial(Path.write_bytes, data=found))
        sizes[name] = len(found)
        return {"file": name, "sha256": sha256(found)}

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, (graph, found) in content.graphs.items():
            told[name] = {
                **put(f"{name}.onnx", found),
                "delay": graph.delay,
                "inputs": [_described(value) for value in graph.inputs],
                "outputs": [_described(value) for value in graph.outputs],
            }
        narrow = {
            kind: {
                "graphs": {name: put(f"{name}.{kind}.onnx", one) for name, one in some.items()},
                **asdict(content.narrowed[kind]),
            }
            for kind, some in content.narrow.items()
        }
        for name, text in content.files.items():
            replace_text(folder / name, text)
        pairs = content.metrics.items()
        description = {
            "schema": SCHEMA,
            "recurra": own_version(),
            **content.described,
            "files": {name: sha256(text.encode()) for name, text in content.files.items()},
            "graphs": told,
            "narrow": narrow,
            "parity": {
                "compared": [one._asdict() for one in content.compared],
                "metrics": {name: {"network": a, "graphs": b} for name, (a, b) in pairs},
            },
        }
        text = json.dumps(description, indent=1, ensure_ascii=False)
        replace_text(folder / DESCRIPTION, text + "\n")
    except OSError as error:
        raise RecurraError(f"{folder} cannot be written: {reason(error)}") from error
    return sizes


def _described(value: Value) -> dict[str, Any]:
    """Return a value as JSON says it; an initial state of equal numbers is one of them."""
    found = {
        "name": value.name,
        "sizes": list(value.sizes),
        "type": str(value.kind).removeprefix("torch."),
        "means": value.means,
    }
    if value.initial is not None:
        found["initial"] = _initial(value.initial)
    return found


def _initial(row: Tensor) -> Any:
    first = row.flatten()[0] if row.numel() else torch.tensor(0.0)
    return first.item() if bool((row == first).all()) else row.tolist()
