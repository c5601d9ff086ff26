"""The files of an exported folder, checked before they are believed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from recurra.errors import BundleError

DESCRIPTION, SCHEMA, LIMIT = "export.json", 1, 64 << 20


def read(folder: Path) -> Any:
    """Return what describes a folder.

    Raises:
        BundleError: it is missing, too long, or not one of ours.
    """
    path = folder / DESCRIPTION
    try:
        if path.stat().st_size > LIMIT:
            raise BundleError(f"{path} is longer than {LIMIT >> 20} MiB")
        told = json.loads(path.read_text(encoding="utf-8"))
        if told["schema"] != SCHEMA:
            raise BundleError(f"{path} is of schema {told['schema']!r}, and this reads {SCHEMA}")
        for graph in told["graphs"].values():
            _ = graph["file"], graph["sha256"], graph["inputs"][0], graph["outputs"][0]
        for weights in told.get("narrow", {}).values():
            _ = [weights["graphs"][name]["sha256"] for name in told["graphs"]]
    except OSError as error:
        raise BundleError(f"{folder} is no exported model: {error.strerror or error}") from error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise BundleError(f"{path} is not one of ours: {error!r}") from error
    return told


def texts(folder: Path, told: Any) -> dict[str, str]:
    """Return the text files of a folder's codec, by name.

    Raises:
        BundleError: one is missing, too long or damaged.
    """
    found = {}
    try:
        for name, digest in told["files"].items():
            found[name] = content(folder, {"file": name, "sha256": digest}).decode()
    except (UnicodeDecodeError, LookupError, TypeError, AttributeError) as error:
        raise BundleError(f"{folder / DESCRIPTION} is not one of ours: {error!r}") from error
    return found


def content(folder: Path, graph: Any) -> bytes:
    """Return the bytes of a graph, or of another file.

    Raises:
        BundleError: the file is missing or damaged.
    """
    path = folder / Path(str(graph["file"])).name  # no path leaves the folder
    try:
        found = path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path} cannot be read: {error.strerror or error}") from error
    if hashlib.sha256(found).hexdigest() != graph["sha256"]:
        raise BundleError(f"{path} is damaged: its sha256 is not the recorded one")
    return found
