"""Writing a sequence from a context, over `start` and `advance` only: greedy, sample, beam.

All rows of a batch are written together, and none sees the others. Of CTC's scores a row is read
frame by frame: its best path, or its most probable labelling by a beam of beginnings.

Names are found on first use: what needs no torch is imported without it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recurra.decoding.ancestral import Foreteller, paths
    from recurra.decoding.best_path import BestPath, Emission, align
    from recurra.decoding.hypothesis import Hypothesis
    from recurra.decoding.likeliest import beam, greedy
    from recurra.decoding.prefix_beam import Fusion, Labelling, PrefixBeam
    from recurra.decoding.sampling import sample
    from recurra.decoding.search import Generator

_HOME = {
    "recurra.decoding.best_path": "BestPath Emission align",
    "recurra.decoding.hypothesis": "Hypothesis",
    "recurra.decoding.likeliest": "beam greedy",
    "recurra.decoding.ancestral": "Foreteller paths",
    "recurra.decoding.prefix_beam": "Fusion Labelling PrefixBeam",
    "recurra.decoding.sampling": "sample",
    "recurra.decoding.search": "Generator",
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names.split()}

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


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        return getattr(import_module(_MODULE_OF[name]), name)
    raise AttributeError(f"module 'recurra.decoding' has no attribute {name!r}")
