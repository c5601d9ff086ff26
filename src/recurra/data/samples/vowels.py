"""Who speaks: two Japanese vowels said by nine men, out of aeon's package; aeon is not imported."""

import random
from importlib.util import find_spec
from pathlib import Path

from recurra.data.readers.signal import Plan, Signal, settled
from recurra.data.readers.text import Rows
from recurra.data.readers.ts import read_ts
from recurra.data.splits import Splits
from recurra.errors import MissingExtra
from recurra.training.options import SignalTable

HELD_OUT = 3  # of the 30 of each speaker


def load(recipe: SignalTable) -> Splits[Signal]:
    """Return 270 utterances to learn from, 27 of which are held out, and 370 to test.

    Each is 7 to 29 steps of 12 cepstral coefficients. Kudo, Toyama and Shimbo 1999,
    https://doi.org/10.24432/C5NS47; the parts are those of the archive at
    https://www.timeseriesclassification.com. The seed shuffles training only.

    Raises:
        MissingExtra: aeon is not installed.
    """
    train, test = (archived("JapaneseVowels", part, recipe) for part in ("TRAIN", "TEST"))
    held: set[int] = set()
    for label in sorted({one.label for one in train}):
        places = [i for i, one in enumerate(train) if one.label == label]
        held |= set(random.Random(label).sample(places, HELD_OUT))
    valid = [one for i, one in enumerate(train) if i in held]
    train = [one for i, one in enumerate(train) if i not in held]
    random.Random(recipe.seed).shuffle(train)
    return Splits(train, valid, test)


def archived(name: str, part: str, recipe: SignalTable) -> list[Signal]:
    """Return a part, TRAIN or TEST, of a data set in aeon's package.

    Raises:
        MissingExtra: aeon is not installed, or without its data.
    """
    path = folder() / name / f"{name}_{part}.ts"
    if not path.exists():
        raise MissingExtra("the vowels sample", "aeon", "demo")
    rows, plan = Rows(quiet=True), Plan(recipe)
    found = settled(read_ts(path, rows, plan), rows, plan)
    return [one._replace(where=f"{name}:{one.where.rpartition(':')[2]}") for one in found]


def folder() -> Path:
    """Return where aeon keeps its data sets.

    Raises:
        MissingExtra: aeon is not installed.
    """
    found = find_spec("aeon")
    if found is None or not found.submodule_search_locations:
        raise MissingExtra("the vowels sample", "aeon", "demo")
    return Path(found.submodule_search_locations[0]) / "datasets" / "data"
