"""Writing a sequence from a context, over `start` and `advance` only: greedy, sample, beam.

All rows of a batch are written together, and none sees the others.
"""

from recurra.decoding.hypothesis import Hypothesis
from recurra.decoding.likeliest import beam, greedy
from recurra.decoding.paths import Foreteller, paths
from recurra.decoding.sampling import sample
from recurra.decoding.search import Generator

__all__ = ["Foreteller", "Generator", "Hypothesis", "beam", "greedy", "paths", "sample"]
