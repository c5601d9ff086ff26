"""English sentences with people, places, organisations and dates: the sample for tagging."""

from recurra.data.readers.conll import Tagged, read_file
from recurra.data.samples.packaged import read_packaged
from recurra.data.splits import Splits
from recurra.training.recipe import Recipe


def load(recipe: Recipe) -> Splits[Tagged]:
    """Return the packaged sentences, their tags in IOB2."""
    return read_packaged("ner", ".conll", read_file, recipe)
