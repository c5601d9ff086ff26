"""A trained model as a folder: config.json, model.safetensors, codec files and a README card.

Nothing in it is executable, and everything is checked before it is believed: sizes, names,
schema, and the sha256 of every file. Writing over an old bundle shows readers either the old one
or the new one: the new files are staged whole in `.next`, and readers look there first.
"""

from __future__ import annotations

import json
import math
import re
import shutil
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from recurra.errors import BundleError
from recurra.storage import (
    TENSOR_LIMIT,
    load_tensors,
    read_bytes,
    reason,
    replace_text,
    save_tensors,
    sha256,
)

SCHEMA = 2
CONFIG, WEIGHTS, CARD, REPORT = "config.json", "model.safetensors", "README.md", "report.html"
RESERVED = {CONFIG, WEIGHTS, CARD, REPORT, "last.safetensors", "metrics.jsonl", "tensorboard"}
CONFIG_LIMIT, FILE_LIMIT = 1 << 20, 64 << 20


class Bundle(NamedTuple):
    """What was read from the folder of a trained model."""

    config: dict[str, Any]
    tensors: dict[str, Tensor]
    files: dict[str, str]


def write(
    folder: str | Path,
    config: Mapping[str, Any],
    tensors: Mapping[str, Tensor],
    files: Mapping[str, str],
    card: str,
) -> Path:
    """Write a bundle, in place of the one that the folder may hold, and return the folder.

    Args:
        folder: created where it is missing.
        config: finite JSON with at least `task` (its name) and `recipe` (its fields); the schema,
            the versions and the files' hashes are added here.
        tensors: the network's `state_dict()`.
        files: text by file name, as `Codec.files` gives it.
        card: the README, in Markdown.
    Raises:
        BundleError: a name or size is not allowed, or the disk refused.
    """
    folder = Path(folder)
    for name, text in files.items():
        _check_name(folder, name)
        if len(text.encode()) > FILE_LIMIT:
            raise BundleError(f"{folder / name}: longer than {FILE_LIMIT >> 20} MiB")
    head = {
        "schema": SCHEMA,
        "recurra": own_version(),
        "torch": torch.__version__,
        "files": {name: sha256(text.encode()) for name, text in files.items()},
    }
    try:
        text = json.dumps({**config, **head}, indent=2, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BundleError(f"{folder / CONFIG}: the configuration is no JSON: {error}") from error
    _check_config(folder, json.loads(text))
    if len(text.encode("utf-8", "backslashreplace")) > CONFIG_LIMIT:
        raise BundleError(f"{folder / CONFIG}: longer than {CONFIG_LIMIT >> 20} MiB")
    staging = folder / ".staging"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _settle(folder)
        shutil.rmtree(staging, ignore_errors=True)  # mostly there is none
        staging.mkdir()
        for name, content in [*files.items(), (CARD, card), (CONFIG, text)]:
            replace_text(staging / name, content)
        save_tensors(staging / WEIGHTS, tensors, {})
        staging.rename(folder / ".next")  # from here on, the new bundle is the one that is read
        _settle(folder)
    except OSError as error:
        raise BundleError(f"bundle {folder} cannot be written: {reason(error)}") from error
    return folder


def replace_weights(
    folder: str | Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]
) -> None:
    """Replace the weights of a bundle at once: a reader sees the old ones or the new ones.

    Raises:
        BundleError: the disk refused; the old weights are kept.
    """
    folder = Path(folder)
    try:
        _settle(folder)
    except OSError as error:
        raise BundleError(f"bundle {folder} cannot be written: {reason(error)}") from error
    save_tensors(folder / WEIGHTS, tensors, metadata)


def read(folder: str | Path, *, limit: int = TENSOR_LIMIT) -> Bundle:
    """Read a bundle, and refuse whatever is missing, damaged, too new or not ours.

    Args:
        folder: the bundle.
        limit: most bytes that the weights may take.
    Raises:
        BundleError: with what is wrong and where, in one line.
    """
    folder = Path(folder)
    config = read_config(folder)
    files = read_files(folder)
    return Bundle(config, load_tensors(_find(folder, WEIGHTS), limit)[0], files)


def read_files(folder: str | Path) -> dict[str, str]:
    """Return the texts of a bundle's codec, by file.

    Raises:
        BundleError: one is missing or damaged.
    """
    folder = Path(folder)
    files = {}
    for name, expected in read_config(folder)["files"].items():
        content = read_bytes(_find(folder, name), FILE_LIMIT)
        if sha256(content) != expected:
            raise BundleError(f"{folder / name} is damaged: its sha256 is not the recorded one")
        try:
            files[name] = content.decode()
        except UnicodeDecodeError as error:
            raise BundleError(f"{folder / name} is no UTF-8 text: {error}") from error
    return files


def read_config(folder: str | Path) -> dict[str, Any]:
    """Return a bundle's config.json alone.

    Raises:
        BundleError: it is missing, damaged, too new or not ours.
    """
    folder = Path(folder)
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise BundleError(f"bundle {folder} {what}; give the folder that a training run wrote")
    raw = read_bytes(_find(folder, CONFIG), CONFIG_LIMIT)
    try:
        config = json.loads(raw, parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{folder / CONFIG} is no JSON: {error}") from error
    _check_config(folder, config)
    checked: dict[str, Any] = config
    return checked


def forget(folder: Path) -> None:
    """Make a folder hold no bundle any more: its config.json goes first.

    Raises:
        OSError: the disk refused.
    """
    staged = folder / ".next"
    if not staged.is_symlink():
        (staged / CONFIG).unlink(missing_ok=True)
        shutil.rmtree(staged, ignore_errors=True)  # mostly there is none
    (folder / CONFIG).unlink(missing_ok=True)


def read_weights(folder: str | Path, *, limit: int = TENSOR_LIMIT) -> dict[str, Tensor]:
    """Return a bundle's weights alone.

    Raises:
        BundleError: they are missing or damaged.
    """
    return load_tensors(_find(Path(folder), WEIGHTS), limit)[0]


def fill(network: nn.Module, tensors: Mapping[str, Tensor], source: str | Path) -> None:
    """Copy weights into a network that has exactly those names and shapes.

    Raises:
        BundleError: they belong to another network; `source` is named in the text.
    """
    compare(network, tensors, source)
    network.load_state_dict(dict(tensors))


def compare(network: nn.Module, tensors: Mapping[str, Tensor], source: str | Path) -> None:
    """Refuse weights that have not a network's names and shapes; it may lie on the meta device.

    Raises:
        BundleError: they belong to another network; `source` is named in the text.
    """
    own = network.state_dict()
    missing, strange = sorted(own.keys() - tensors), sorted(tensors.keys() - own)
    for kind, names in (("lacks", missing), ("has unknown", strange)):
        if names:
            raise BundleError(
                f"{source} holds another network's weights: it {kind} {names[0]}"
                + (f" and {len(names) - 1} more" if names[1:] else "")
            )
    for name, tensor in own.items():
        if tensor.shape != tensors[name].shape:
            raise BundleError(
                f"{source} holds another network's weights: {name} has shape "
                f"{list(tensors[name].shape)}, this network's has {list(tensor.shape)}"
            )


def _settle(folder: Path) -> None:
    """Move a staged bundle into its place; going on where an interrupted move stopped."""
    staged = folder / ".next"
    if staged.is_symlink() or not staged.is_dir():
        return
    for path in sorted(staged.iterdir()):
        path.replace(folder / path.name)
    staged.rmdir()


def _find(folder: Path, name: str) -> Path:
    """Return where a bundle's file lies: staged where a move was interrupted, else in place."""
    staged = folder / ".next" / name
    return staged if staged.exists() and not (folder / ".next").is_symlink() else folder / name


def _check_config(folder: Path, config: Any) -> None:
    path = folder / CONFIG
    schema = config.get("schema") if isinstance(config, dict) else None
    if type(schema) is not int or schema < 1:
        raise BundleError(f"{path} has no schema number: it is not a recurra bundle")
    if schema > SCHEMA:
        raise BundleError(f"{path} has schema {schema}; this recurra reads {SCHEMA}: upgrade it")
    for key, kind in (("task", str), ("recipe", dict), ("files", dict)):
        if not isinstance(config.get(key), kind):
            raise BundleError(f"{path}: {key!r} is missing or of the wrong kind")
    for name, digest in config["files"].items():
        _check_name(folder, name)
        if not isinstance(digest, str):
            raise BundleError(f"{path}: the sha256 of {name!r} is no text")


def _check_name(folder: Path, name: str) -> None:
    if not re.fullmatch(r"\w[\w.-]{0,99}", name, re.ASCII) or name in RESERVED:
        raise BundleError(
            f"{folder}: {name!r} cannot name a bundle's file; use letters, digits, _-."
        )


def _finite(number: str) -> float:
    if not math.isfinite(float(number)):
        raise ValueError(f"{number} is not finite")
    return float(number)


def own_version() -> str:
    """Return the version that writes."""
    try:
        return version("recurra")
    except PackageNotFoundError:  # run from a source tree
        return "unknown"
