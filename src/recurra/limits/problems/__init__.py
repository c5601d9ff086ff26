"""Tasks made on the spot, whose answers lie as far back, or ahead, as one likes."""

from recurra.limits.problems.adding import ADDING_CHANCE, adding
from recurra.limits.problems.copying import KINDS, copying, copying_chance
from recurra.limits.problems.majority import best_guess, majority

__all__ = [
    "ADDING_CHANCE",
    "KINDS",
    "adding",
    "best_guess",
    "copying",
    "copying_chance",
    "majority",
]
