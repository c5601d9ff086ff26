"""A series that is watched, row by row: what is read of it, and what is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from recurra.codecs.streams import Memory, numbers, watching
from recurra.codecs.watch import Readings, habits
from recurra.data.calendar import features
from recurra.data.readers.times import Instants
from recurra.data.timeline import Stamps
from recurra.errors import RecurraError
from recurra.streaming.surprise import Surprise

Numbers = NDArray[np.float32]
Kind = Literal["error", "likelihood"]
MOST = 1e100  # of a number; float64 still has its square


class Alarming:
    """Score and alarm of each step, as a `Watch` tells them.

    What the network says of a step foretells how far the next one moves: it waits in the memory,
    with the means and deviations so far of gauge and surprise.

    Args:
        codec: of the model.
        recipe: how it smooths and rests.
        limit: the score from which a step is an alarm.
        size: numbers that tell a channel's next move.
        losses: what was said [channels size], how far it moved [channels] → −log p.
    """

    unit: str = "row"
    says: str = "alarm"
    seconds: float | None = None

    def __init__(
        self,
        codec: Readings,
        recipe: Any,
        limit: float,
        size: int,
        losses: Callable[[Any, Any], NDArray[Any]],
    ) -> None:
        self.codec, self.kind, self.habits = codec, recipe.surprise, habits(recipe)
        self.limit, self.size, self.losses = limit, size, losses

    def begin(self) -> Memory:
        """Return the memory of a series' beginning."""
        none = np.zeros(0 if self.kind == "error" else (0, self.size), np.float32)
        memory: Memory = {"step": 0, "said": none, "waiting": []}
        watching.keep_gauge(memory, self.codec.gauge())
        watching.keep_surprise(memory, self._surprise())
        return memory

    def read(self, memory: Memory, given: Any) -> Numbers:
        """Return what is read of a row, or of several of an array: place, move, and the calendar.

        Raises:
            RecurraError: there are more or fewer numbers than channels, or no time that can be read
                where one is needed.
        """
        given, time = (given, None) if not isinstance(given, dict) else _parted(given)
        count, names = len(self.codec.names), ", ".join(self.codec.names[:8])
        values = numbers.taken(given, missing=True)
        if not values.size or values.size % count or (values.ndim > 1 and values.shape[1] != count):
            raise RecurraError(
                f"a frame has {values.size:,} values; this model reads {count} a row: {names}"
            )
        numbers.within(values, MOST, f"{MOST:g}; give finite ones", missing=True)
        rows = values.reshape(-1, count)
        told = self._told(time, len(rows))
        gauge = self.codec.gauge()
        watching.load_gauge(memory, gauge)
        measured = [gauge.read(row) for row in rows]
        watching.keep_gauge(memory, gauge)
        memory["waiting"] = memory["waiting"] + [
            [one.moved, row.copy()] for one, row in zip(measured, rows, strict=True)
        ]
        return np.concatenate([np.stack([one.features for one in measured]), told], 1)

    def rest(self, memory: Memory) -> Numbers:
        """Return nothing: no row waits."""
        return np.zeros((0, self.codec.size), np.float32)

    def say(self, memory: Memory, scores: NDArray[Any]) -> list[dict[str, Any]]:
        """Return step, score, alarm, channel, and the step since which there is an alarm."""
        surprise = self._surprise()
        watching.load_surprise(memory, surprise)
        said, waiting, answers = memory["said"], memory["waiting"], []
        for step, (now, (moved, values)) in enumerate(
            zip(scores, waiting, strict=False), memory["step"] + 1
        ):
            moment = surprise.take(self._errors(said, moved), values)
            said = now
            answers.append(
                {
                    "step": step,
                    "score": round(moment.score, 6),
                    "alarm": moment.alarm,
                    "channel": self.codec.names[moment.channel] if moment.channel >= 0 else None,
                    "since": step - moment.since if moment.since >= 0 else None,
                }
            )
        watching.keep_surprise(memory, surprise)
        memory.update(
            step=memory["step"] + len(answers), said=said.copy(), waiting=waiting[len(answers) :]
        )
        return answers

    def _errors(self, said: Numbers, moved: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how wrong a move was foretold, NaN where it was not."""
        if not len(said):
            return np.full(len(moved), np.nan)
        single = moved.astype(np.float32)
        if self.kind == "error":
            apart: NDArray[np.float64] = np.abs(single - said).astype(np.float64)
            return apart
        return np.where(np.isnan(single), np.nan, self.losses(said, np.nan_to_num(single)))

    def _told(self, time: str | None, rows: int) -> Numbers:
        """Return what the calendar says of a row."""
        if not self.codec.calendar:
            return np.zeros((rows, 0), np.float32)
        fields = ", ".join(self.codec.calendar)
        instants = Instants(self.codec.form.order)
        if time is None or len(time) > 100 or not instants.add(time):
            raise RecurraError(
                f"this model reads the {fields}; give {{'values': […], 'time': '2026-01-31 09:00'}}"
            )
        times = instants.read().times
        if times is None or np.isnat(times).any():
            raise RecurraError(f"time is {time!r}; this model reads the {fields} of it")
        return features(Stamps(times), 1, self.codec.calendar)

    def _surprise(self) -> Surprise:
        return Surprise(len(self.codec.names), self.habits, self.limit)


def _parted(given: dict[Any, Any]) -> tuple[Any, str | None]:
    """Return values and time of a row.

    Raises:
        RecurraError: there is something else in it.
    """
    time = given.get("time")
    if not given.keys() <= {"values", "time"} or "values" not in given:
        raise RecurraError("a frame is an object; give one of 'values' and 'time'")
    if time is not None and not isinstance(time, str):
        raise RecurraError(f"time is a {type(time).__name__}; give a text, as '2026-01-31 09:00'")
    return given["values"], time
