"""Weaknesses and strengths of recurrent networks, measured: what fails, what cures it, by how much.

    recurra limits

runs small experiments and writes a page. Each is one file in `experiments`.
"""

from recurra.limits.case import Case
from recurra.limits.experiment import Experiment
from recurra.limits.finding import Limit
from recurra.limits.run import run

__all__ = ["Case", "Experiment", "Limit", "run"]
