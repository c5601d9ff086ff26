"""Where a run stands, what it did, and by what its weights are compared."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from torch import nn

STOPPED = ("interrupted", "terminated")  # by Ctrl-C, by SIGTERM


class History(NamedTuple):
    """What a run did.

    entries: one per validation, as in metrics.jsonl. stopped: epochs, patience, time,
    interrupted or terminated. best: the metric of the weights that the network holds now.
    """

    entries: list[dict[str, Any]]
    best: float | None
    best_step: int
    stopped: str
    step: int
    epoch: float
    seconds: float


@dataclass
class Standing:
    """Where a run stands, beside its tensors: what a resumed one goes on from."""

    step: int = 0
    validated_step: int = 0
    best: float | None = None
    best_step: int = 0
    waited: int = 0
    factor: float = 1.0
    rate: float = 0.0
    total: float = 0.0
    count: float = 0.0
    tokens: float = 0.0
    asked: bool = False


class Judge(NamedTuple):
    """How weights are compared."""

    validate: Callable[[nn.Module], Mapping[str, float]]
    metric: str
    higher: bool

    def better(self, value: float, best: float | None) -> bool:
        """Return whether `value` is the best so far; what is not finite never is."""
        if not math.isfinite(value):
            return False
        return best is None or (value > best if self.higher else value < best)


def finite(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a line of the log: JSON has no NaN."""
    return {n: v if v is not None and math.isfinite(v) else None for n, v in entry.items()}
