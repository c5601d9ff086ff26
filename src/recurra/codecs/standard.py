"""Channels of numbers on one scale: fitted on the training part, stored with the model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recurra.data.readers.series import Series
from recurra.data.readers.text import say
from recurra.errors import DataError

LEAST = 1e-6  # of a deviation beside the channel's size: what varies less is taken as constant

Numbers = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Standard:
    """Each channel less its mean, by its deviation; missing numbers (NaN) stay missing.

        x̂ = (x − m) / s        m, s: mean and deviation of the training part

    A channel that does not vary there has s = 1.

    Args:
        mean: m of each channel.
        deviation: s of each channel, positive.
    """

    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    @classmethod
    def fit(cls, series: Iterable[Numbers], names: Sequence[str] = ()) -> Standard:
        """Return the scale of series [time, channels], all steps of all of them alike.

        Args:
            series: the training part, and nothing else.
            names: of the channels, for error texts.
        Raises:
            DataError: a channel has no number at all, or one that is infinite.
        """
        total: Any = 0.0
        squares: Any = 0.0
        count: Any = 0
        parts = [np.asarray(one, dtype=np.float64) for one in series]
        for one in parts:
            count = count + (~np.isnan(one)).sum(0)
            total = total + np.nansum(one, 0)
        if not parts:
            raise DataError("training part", "holds no series")
        for channel in np.flatnonzero((count == 0) | ~np.isfinite(total)).tolist():
            name = names[channel] if names else f"channel {channel + 1}"
            what = "has no number in" if count[channel] == 0 else "is infinite somewhere in"
            raise DataError(name, f"{what} the training part; leave the column out or mend it")
        mean = total / count
        for one in parts:  # a second pass: the square of a large mean would swallow the deviation
            squares = squares + np.nansum((one - mean) ** 2, 0)
        deviation = np.sqrt(squares / count)
        constant = deviation <= LEAST * np.maximum(np.abs(mean), LEAST)
        return cls(tuple(mean.tolist()), tuple(np.where(constant, 1.0, deviation).tolist()))

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Standard:
        """Return the scale among a bundle's values.

        Raises:
            ValueError: they are no scale.
        """
        mean, deviation = (tuple(map(float, stored[name])) for name in ("mean", "deviation"))
        sound = len(mean) == len(deviation) and all(np.isfinite((*mean, *deviation)))
        if not sound or min(deviation, default=1.0) <= 0:
            raise ValueError(
                "mean and deviation are one finite number a channel, deviation above 0"
            )
        return cls(mean, deviation)

    def asdict(self) -> dict[str, list[float]]:
        """Return the values that `of` reads."""
        return {"mean": list(self.mean), "deviation": list(self.deviation)}

    def __call__(self, x: Numbers) -> NDArray[np.float32]:
        """Return numbers [… channels] on this scale."""
        scaled: NDArray[np.float32] = ((x - np.array(self.mean)) / np.array(self.deviation)).astype(
            np.float32
        )
        return scaled

    def undo(self, x: Numbers) -> NDArray[np.float64]:
        """Return numbers [… channels] in the data's own units."""
        found: NDArray[np.float64] = np.asarray(x, np.float64) * self.deviation + self.mean
        return found


def tell_flat(train: Sequence[Series], meaning: str) -> None:
    """Tell of channels that have one value throughout the training part.

    Args:
        train: the training part, of the same channels.
        meaning: what follows from it.
    """
    first = train[0]
    for channel, name in enumerate(first.names):
        values = np.concatenate([one.values[:, channel] for one in train])
        known = values[~np.isnan(values)]
        if len(known) and known.min() == known.max():
            where = f"{first.where}: '{name}' is {known[0]:g} throughout the training part"
            say(f"{where}: {meaning}")
