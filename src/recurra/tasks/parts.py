"""Whether the parts of a run's data are parts: rows that two of them share are told."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from recurra.data.readers.text import say
from recurra.data.splits import Splits
from recurra.errors import DataError
from recurra.training.recipe import Recipe


def check_parts(splits: Splits[Any], recipe: Recipe) -> None:
    """Tell how many rows two parts share, by content.

    Raises:
        DataError: the file named as validation or test part has every row of the training part.
    """
    if splits.content is None:
        return
    train, valid, test = splits.parts
    known, chosen = ({splits.content(row) for row in part} for part in (train, valid))
    for i, name, option in [(1, "validation", "valid"), (2, "test", "test")]:
        part = splits.parts[i]
        # what was split off the same file is missing in training, so it may have fewer rows
        named = getattr(recipe, option)
        if named and _within(splits.digests[0], splits.digests[i]):
            raise DataError(
                named,
                f"the {name} part has all {len(train):,} training rows; give other rows as "
                f"--{option}, or leave it out: a tenth is split off",
            )
        if shared := sum(splits.content(row) in known for row in part):
            told(recipe, f"{shared:,} of {len(part):,} {name} rows are in the training part too")
    if sorted(splits.digests[1]) == sorted(splits.digests[2]):
        told(recipe, "the test part is the validation part: its figures chose the weights")
    elif shared := sum(splits.content(row) in chosen for row in test):
        told(recipe, f"{shared:,} of {len(test):,} test rows are in the validation part too")


def told(recipe: Recipe, text: str) -> None:
    """Tell it, beside the name of the data."""
    say(f"{recipe.data}: {text}")


def _within(rows: Sequence[bytes], others: Sequence[bytes]) -> bool:
    return len(rows) <= len(others) and Counter(rows) <= Counter(others)
