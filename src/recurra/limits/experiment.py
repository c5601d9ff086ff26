"""What can be run."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from recurra.limits.case import Case
from recurra.limits.finding import Limit


class Experiment(NamedTuple):
    """A question about recurrent networks that a measurement answers.

    Args:
        name: on the command line.
        kind: "weakness" or "strength".
        title: what it is, as it is taught.
        seconds: it takes on two cores, about.
        quick: seconds of a quick run.
        run: measure.
    """

    name: str
    kind: str
    title: str
    seconds: int | float
    quick: int | float
    run: Callable[[Case], Limit]
