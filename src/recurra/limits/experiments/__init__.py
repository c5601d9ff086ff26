"""The experiments, in the order of the page: one file each."""

from recurra.errors import unknown
from recurra.limits.experiment import Experiment
from recurra.limits.experiments import (
    constant,
    exploding,
    future,
    long,
    memory,
    previous,
    shared,
    slow,
    training,
    vanishing,
)

EXPERIMENTS: tuple[Experiment, ...] = (
    slow.EXPERIMENT,
    memory.EXPERIMENT,
    long.EXPERIMENT,
    future.EXPERIMENT,
    training.EXPERIMENT,
    exploding.EXPERIMENT,
    vanishing.EXPERIMENT,
    constant.EXPERIMENT,
    shared.EXPERIMENT,
    previous.EXPERIMENT,
)


def find(name: str) -> Experiment:
    """Return the experiment of a name.

    Raises:
        RecurraError: there is none.
    """
    for one in EXPERIMENTS:
        if one.name == name:
            return one
    raise unknown("experiment", name, [one.name for one in EXPERIMENTS])
