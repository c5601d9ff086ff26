"""What an experiment has shown."""

from __future__ import annotations

from dataclasses import dataclass

from recurra.reports import Plot, Table

KINDS = "weakness", "strength"


@dataclass(frozen=True, kw_only=True)
class Limit:
    """One weakness, and its cure, or one strength.

    Args:
        name: of the experiment.
        kind: "weakness" or "strength".
        title: what it is, as it is taught.
        fails: of a weakness, what goes wrong, and where; of a strength, what it is good for.
        cure: what helps, by its name in recurra; "" of a strength.
        verdict: what was found, in one line with its figures.
        measured: the task, the models, what counts: enough to do it again.
        seeds: that were run.
        tables: the figures.
        plots: of them; each axis has its unit.
        seconds: it took, written by the run.
        command: that runs it again, written by the run.
    """

    name: str
    kind: str
    title: str
    fails: str
    cure: str
    verdict: str
    measured: str
    seeds: tuple[int, ...] = ()
    tables: tuple[Table, ...] = ()
    plots: tuple[Plot, ...] = ()
    seconds: int | float = 0.0
    command: str = ""
