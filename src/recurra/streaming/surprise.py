"""How unusual each step of a series is: what was foretold of it, and where it lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recurra.errors import InputError
from recurra.streaming.unusual import Afar, Unusual

Numbers = NDArray[np.float64]

HALF = 4.0  # deviations above the usual that make a score of ½


@dataclass(frozen=True)
class Habits:
    """How a watch smooths and rests.

    Args:
        smooth: half-life of the latest errors, in steps.
        memory: half-life of what errors are usual, in steps.
        level: half-life of what values are usual, in steps; 0: errors alone are looked at.
        rest: steps of calm that end an alarm.
    """

    smooth: float = 5.0
    memory: float = 150.0
    level: float = 3000.0
    rest: int = 150


class Moment(NamedTuple):
    """What is said of one step.

    Args:
        score: from 0 (as usual) up to 1.
        channel: the most unusual one; −1: none has been seen.
        alarm: whether the score reaches the threshold.
        since: steps since the alarm began; −1: there is none.
    """

    score: float
    channel: int
    alarm: bool
    since: int


class Surprise:
    """A score of each step, from what was foretold of it and where it lies; of fixed size.

        score = 1 − 2^(−z / 4)        z = max_c √(max(z_error, 0)² + max(z_value, 0)²)

    for each channel c, how unusual its latest errors are (`Unusual`), and how unusually far it lies
    from its level (`Afar`): the first sees a rhythm that breaks, the second a number that has not
    been there. The score still grows where a normal tail is 0. An alarm begins at the first score
    that reaches the threshold after `rest` steps without one: what goes on for long is one alarm,
    and then usual.

    Args:
        channels: of a step.
        habits: how it smooths and rests.
        threshold: score from which a step is an alarm.
    Raises:
        ValueError: a number is out of its range.
    """

    def __init__(self, channels: int, habits: Habits, threshold: float = 0.5) -> None:
        if not 0 < threshold <= 1:
            raise InputError(f"threshold is {threshold}; Surprise takes one above 0, up to 1")
        self.errors = Unusual(channels, habits.smooth, habits.memory)
        self.values = Afar(channels, habits.level) if habits.level else None
        self.rest, self.threshold = habits.rest, threshold
        self.calm, self.lasting = habits.rest, -1

    def take(self, error: NDArray[Any], x: NDArray[Any]) -> Moment:
        """Take the next step.

        Args:
            error: of what was foretold of it [channels], NaN where there is none.
            x: the step itself [channels], NaN where it is not known.
        """
        warm = self.errors.warm
        z = np.maximum(self.errors.take(error), 0.0)
        if self.values is not None:
            z = np.hypot(z, np.maximum(self.values.take(x), 0.0))
        channel = int(z.argmax())
        score = 1 - 0.5 ** (float(z[channel]) / HALF)
        return self.alarmed(score, channel if warm.any() else -1)

    def alarmed(self, score: float, channel: int) -> Moment:
        """Return the moment of a score: an alarm that begins, goes on or ends, or none."""
        alarm = score >= self.threshold
        if alarm:
            begins = self.calm >= self.rest
            self.lasting, self.calm = 0 if begins else self.lasting + 1, 0
        else:
            self.calm += 1
            over = self.calm >= self.rest or self.lasting < 0
            self.lasting = -1 if over else self.lasting + 1
        return Moment(score, channel, alarm, self.lasting)


def onsets(scores: NDArray[Any], threshold: float, rest: int) -> NDArray[np.bool_]:
    """Return at which steps alarms begin, of scores that are known already."""
    hits = np.flatnonzero(scores >= threshold)
    found = np.zeros(len(scores), dtype=np.bool_)
    if len(hits):
        apart = np.diff(hits, prepend=hits[0] - rest - 1)
        found[hits[apart > rest]] = True
    return found


def threshold_of(scores: NDArray[Any], rate: float) -> float:
    """Return the score that is reached by this share of usual steps, as their tail lets expect.

        z_q = t + mean(z − t | z > t) · log(n_t / (q n))        t: the 98 % quantile

    Siffer et al. 2017, https://doi.org/10.1145/3097983.3098144, equation 1, with an exponential
    tail. At least 3 deviations.

    Args:
        scores: of a part that is taken to be usual.
        rate: q, the share of steps that may be alarms there.
    """
    z = -HALF * np.log2(np.maximum(1 - scores, 1e-300))
    t = float(np.quantile(z, 0.98)) if len(z) else 0.0
    above = z[z > t] - t
    found = t if not len(above) else t + above.mean() * np.log(len(above) / (rate * len(z)))
    return float(1 - 0.5 ** (max(float(found), t, 3.0) / HALF))
