"""Writing a sequence from a context, over `start` and `advance` only: greedy, sample, beam.

All rows of a batch are written together, and none sees the others. Of CTC's scores a row is read
frame by frame: its best path, or its most probable labelling by a beam of beginnings.
"""

from recurra.decoding.best_path import BestPath, Emission, align
from recurra.decoding.hypothesis import Hypothesis
from recurra.decoding.likeliest import beam, greedy
from recurra.decoding.paths import Foreteller, paths
from recurra.decoding.prefix_beam import Fusion, Labelling, PrefixBeam
from recurra.decoding.sampling import sample
from recurra.decoding.search import Generator

__all__ = [
    "BestPath",
    "Emission",
    "Foreteller",
    "Fusion",
    "Generator",
    "Hypothesis",
    "Labelling",
    "PrefixBeam",
    "align",
    "beam",
    "greedy",
    "paths",
    "sample",
]
