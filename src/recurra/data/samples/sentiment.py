"""Short English reviews, positive and negative: the sample for text classification."""

from recurra.data.readers.tabular import TextLabel, read_file
from recurra.data.samples.packaged import read_packaged
from recurra.data.splits import Splits
from recurra.training.options import TextTable
from recurra.training.recipe import Recipe


def load(recipe: Recipe) -> Splits[TextLabel]:
    """Return the packaged reviews; the test's constructions are in no other part."""
    columns = TextTable(text_column="text", label_column="label")
    return read_packaged(
        "sentiment", ".tsv", lambda path, rows: read_file(path, rows, columns), recipe
    )
