"""Tasks made on the spot, whose answers lie as far back as one likes."""

from recurra.limits.problems.adding import ADDING_CHANCE, adding

__all__ = ["ADDING_CHANCE", "adding"]
