"""What a run that goes on must share with its beginning: options, rows, codec."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

from recurra import bundle
from recurra.data.readers.text import say
from recurra.data.splits import Splits
from recurra.errors import BundleError, RecurraError
from recurra.tasks.stored import recipe_of
from recurra.tasks.task import Codec, Task
from recurra.training.checkpoint import RunFolder

# what decides the network's input, or which rows make a batch
FIXED = {"max_length", "vocabulary", "batch_size", "accumulate", "seed", "unit", "bptt"}
SHOWN = 3  # names that are told of those that came or went

Fingerprint = dict[str, list[Any]]


def stored_recipe(task: Task[Any], home: Path, given: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the recipe of the run to resume; None where a run begins, by what is given.

    A run that was killed at any time goes on from its last state or, where it saved none, begins
    by its stored recipe or, where it stored none, by the options given.

    Raises:
        RecurraError: the folder is another task's, damaged, holds a model without its last
            state, or an option given cannot change.
    """
    run = RunFolder(home)
    try:
        config = bundle.read_config(home)
    except BundleError as error:
        if run.last.exists() and run.log.exists():
            raise
        say(f"{home} holds no run to go on with ({error}): it begins")
        return None
    if config["task"] != task.name:
        raise RecurraError(f"{home} holds a run of {config['task']}, not of {task.name}")
    stored = recipe_of(task, config)
    if not run.last.exists():
        if config.get("metrics") != {} or run.log.exists():
            raise RecurraError(
                f"{home} holds a model, but no {run.last.name} to go on from; choose another --out"
            )
        say(f"{home} holds a recipe, but no state yet: the run begins by that recipe")
        return stored
    before, now = task.recipe.of(stored), task.recipe.of(stored, given)
    for name in sorted(field.name for field in dataclasses.fields(before) if _is_fixed(field)):
        old, new = getattr(before, name), getattr(now, name)
        if name == "cell":  # a file may have moved
            old, new = old.rsplit(":", 1)[-1], new.rsplit(":", 1)[-1]
        if old != new:
            raise RecurraError(
                f"{name}: this run began with {old!r} and cannot go on with {new!r}; "
                "leave it out, or begin in another --out"
            )
    return stored


def _is_fixed(field: dataclasses.Field[Any]) -> bool:
    """Return whether an option decides the network, its input, or which rows make a batch."""
    of_model = field.metadata["group"] == "model" and field.name != "engine"
    return of_model or field.name in FIXED


def fingerprint(splits: Splits[Any]) -> Fingerprint:
    """Return the number of rows of each part and a hash of what they say, wherever they lie."""
    found: Fingerprint = {}
    for name, rows in zip(("training", "validation", "test"), splits.digests, strict=True):
        digest = blake2b(b"".join(rows), digest_size=16)
        found[name] = [len(rows), digest.hexdigest()]
    return found


def same_data(run: RunFolder, now: Fingerprint, codec: Codec) -> Codec:
    """Return the codec that a run began with, where its data are the same still.

    Raises:
        RecurraError: rows, labels or vocabulary are others now; the text names them.
    """
    task_files = bundle.read_files(run.path)
    before = run.data()
    changed = []
    if before is None:
        say(f"{run.last} was saved by an older recurra: rows that changed since are not noticed")
    else:
        for part, (rows, digest) in now.items():
            old_rows, old_digest = before.get(part, [0, ""])
            if rows != old_rows:
                changed.append(f"the {part} part had {old_rows:,} rows and has {rows:,}")
            elif digest != old_digest:
                changed.append(f"other rows in the {part} part")
    files = codec.files()
    if changed or before is None:
        for name in sorted(task_files.keys() | files):
            changed += _differences(name, _parsed(task_files.get(name)), _parsed(files.get(name)))
    changed.sort(key=lambda text: not text.startswith(("labels", "tags")))
    if changed:
        raise RecurraError(
            f"{run.path} cannot go on, its data have changed: {'; '.join(changed[:SHOWN])}; "
            "give the same data, or begin in another --out"
        )
    # the same rows; how a vocabulary breaks ties is not for this day to decide
    return codec if files == task_files else type(codec).from_files(task_files)


def _parsed(text: str | None) -> Any:
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return text


def _differences(name: str, old: Any, new: Any) -> list[str]:
    """Return in words what differs between two values of JSON."""
    if old == new:
        return []
    if isinstance(old, dict) and isinstance(new, dict) and len(old.keys() ^ new) == 0:
        return [text for key in old for text in _differences(key, old[key], new[key])]
    if isinstance(old, (dict, list)) and isinstance(new, (dict, list)):
        ours, theirs = (set(map(str, both)) for both in (old, new))
        told = [(f"{name}: {{}} gone", ours - theirs), (f"{name}: {{}} new", theirs - ours)]
        return [text.format(_some(names)) for text, names in told if names] or [f"{name} changed"]
    return [f"{name} was {str(old)[:40]} and is {str(new)[:40]}"]


def _some(names: set[str]) -> str:
    first = ", ".join(repr(name) for name in sorted(names)[:SHOWN])
    return first + (f" and {len(names) - SHOWN} more are" if len(names) > SHOWN else " is")
