"""The time a run may take, and what it is spent on."""

from __future__ import annotations

import math
import time
from typing import Any

from recurra.training.recipe import Recipe
from recurra.training.values import seconds

# Under a time limit, validation takes at most a fifth of the time, and begins early: what it
# costs must be known before the end, to stop in time for the last one.
PAUSE, PARTS = 4.0, 8.0


class Clock:
    """Seconds of a run, those before it was resumed included.

    `now` moves only where the processes agree on it (`tick`), so that they decide alike.

    Args:
        recipe: its `max_time`; without one, nothing here depends on the clock.
        began: when the run began, as `time.monotonic()` tells it.
    """

    def __init__(self, recipe: Recipe, began: float) -> None:
        self.limit = seconds(recipe.max_time) if recipe.max_time else math.inf
        self.began = began
        self.now = self.validated_at = self.saved_at = 0.0
        self.first_step: float | None = None
        self.step_cost = self.validation_cost = self.save_cost = 0.0

    def read(self) -> float:
        """Return the seconds since the run began."""
        return time.monotonic() - self.began

    def tick(self, now: float) -> None:
        """Move on by one step."""
        if self.first_step is None:
            self.first_step = self.validated_at = now
        else:
            self.step_cost = max(0.9 * self.step_cost, now - self.now)
        self.now = now

    def validated(self, now: float) -> None:
        """Move on by one validation."""
        self.validation_cost = max(self.validation_cost, now - self.now)
        self.now = self.validated_at = now

    def saved(self, now: float) -> None:
        """Move on by one saved state."""
        self.save_cost = max(self.save_cost, now - self.now)
        self.now = self.saved_at = now

    @property
    def end(self) -> float:
        """When training must stop, to leave time for the last validation and its saving."""
        return self.limit - 1.5 * self.validation_cost - 2 * self.save_cost

    @property
    def over(self) -> bool:
        """Whether another step would come too late."""
        return self.now + self.step_cost >= self.end

    @property
    def affords_validation(self) -> bool:
        """Whether one more validation ends in time."""
        return self.now + self.validation_cost < self.limit

    @property
    def share(self) -> float:
        """Which share of the time for training is over."""
        if self.first_step is None or math.isinf(self.limit):
            return 0.0
        whole = self.end - self.first_step
        return min(1.0, (self.now - self.first_step) / whole) if whole > 0 else 1.0

    def validation_due(self, *, epoch_ends: bool) -> bool:
        """Return whether to validate: after each epoch; under a limit, by the clock."""
        if math.isinf(self.limit):
            return epoch_ends
        pause = PAUSE * self.validation_cost
        wanted = pause if epoch_ends else max(pause, self.limit / PARTS)
        return self.now - self.validated_at >= wanted

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run goes on from."""
        names = ("now", "validated_at", "first_step", "validation_cost", "save_cost")
        return {name: getattr(self, name) for name in names}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there: what passed in between does not count."""
        for name, value in state.items():
            setattr(self, name, value)
        self.saved_at = self.now
        self.began -= self.now
