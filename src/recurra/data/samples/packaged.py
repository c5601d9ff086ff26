"""Samples that are packaged as files, read as a user's own files are."""

import random
from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path
from typing import TypeVar

from recurra.data.readers.text import Rows
from recurra.data.splits import Splits
from recurra.training.recipe import Recipe

E = TypeVar("E")


def read_packaged(
    folder: str, ending: str, read: Callable[[Path, Rows], list[E]], recipe: Recipe
) -> Splits[E]:
    """Return the parts of one packaged folder; the seed shuffles training only."""
    with as_file(files("recurra.data.samples") / folder) as path:
        parts = [read(path / f"{part}{ending}", Rows()) for part in ("train", "valid", "test")]
    random.Random(recipe.seed).shuffle(parts[0])
    train, valid, test = parts
    return Splits(train, valid, test)
