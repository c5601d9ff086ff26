"""A forecaster at watch: every step of a series against what was foretold of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from recurra.codecs.watch import habits
from recurra.data.calendar import features
from recurra.data.readers.series import Series
from recurra.data.timeline import Stamps
from recurra.errors import InputError, RecurraError
from recurra.layers.dropout import Dropout
from recurra.streaming import Stream
from recurra.streaming.surprise import Moment, Surprise
from recurra.tasks.codecs.watch import WatchCodec
from recurra.topologies import ManyToManyEqual
from recurra.topologies.numbers import Numbers

if TYPE_CHECKING:
    from recurra.tasks.model import Model

__all__ = ["Kind", "Watch", "Watchman", "errors_of", "habits", "watch"]

Kind = Literal["error", "likelihood"]
CHUNK = 4096  # steps that are read at once


class Watchman(ManyToManyEqual):
    """The network of a watch: what it reads → a distribution of each channel's next move.

    Args:
        size: numbers read at each step.
        width: of the body's input.
        body: recurrent layers.
        output: distributions of the channels.
        dropout: after the input, and before the output.
    """

    output: Numbers
    threshold: Tensor

    def __init__(self, size: int, width: int, body: Any, output: Numbers, dropout: float) -> None:
        head = nn.Sequential(Dropout(dropout), nn.Linear(body.output_size, output.size))
        embed = nn.Sequential(nn.Linear(size, width), Dropout(dropout))
        super().__init__(embed, body, head, output)
        # score from which a step is an alarm; set when the training part has been watched
        self.register_buffer("threshold", torch.tensor(0.5))

    def limit(self, asked: float | None) -> float:
        """Return the score from which a step is an alarm: the one asked for, or the one found."""
        return float(self.threshold) if asked is None else asked

    def errors(self, raw: Tensor, moved: Tensor, kind: Kind) -> Tensor:
        """Return how wrong each move was foretold: [… channels]; NaN where it is not known.

        Args:
            raw: what was said before it: [… channels size].
            moved: how far it moved: [… channels].
            kind: the distance from the middle, or −log p.
        """
        told = self.output.distribution
        if kind == "likelihood":
            found = told.losses(raw, torch.nan_to_num(moved))
        else:
            found = (moved - told.middle(raw)).abs()
        return torch.where(moved.isnan(), torch.nan, found)

    @torch.inference_mode()
    def foretell(self, x: Tensor) -> Tensor:
        """Return what is said after each step of one series [time size]: [time channels …]."""
        state, parts = self.body.initial_state(1), []
        for begin in range(0, len(x), CHUNK):
            y, state = self.body(self.embed(x[None, begin : begin + CHUNK]), state)
            parts.append(self.output.raw(self.head(y))[0])
        return torch.cat(parts)


def watch(network: Watchman, codec: WatchCodec, series: Series, recipe: Any) -> list[Moment]:
    """Return what is said of each step of a series, from its beginning."""
    errors = errors_of(network, codec, series, recipe.surprise)
    return codec.moments(series, errors, recipe, network.limit(recipe.threshold))


def errors_of(
    network: Watchman, codec: WatchCodec, series: Series, kind: Kind
) -> NDArray[np.float64]:
    """Return how wrong each step but the first was foretold: [time − 1, channels]."""
    training = network.training
    network.eval()
    x, moved = codec.measure(series)
    place = network.threshold.device
    raw = network.foretell(torch.from_numpy(x).to(place))
    wanted = torch.from_numpy(moved.astype(np.float32)).to(place)
    found = network.errors(raw[:-1], wanted[1:], kind)
    network.train(training)
    whole: NDArray[np.float64] = found.double().cpu().numpy()
    return whole


class Watch:
    """A trained detector on a stream: each step is scored as it comes, from a state of fixed size.

    It says what `predict` says of the same steps in a file.

    Args:
        model: of the task anomaly_detection.
        decoding: recipe fields to use instead of the model's own: smooth, memory, rest, ….
    Raises:
        RecurraError: the model is of another task, or a field is wrong.
    """

    def __init__(self, model: Model, **decoding: Any) -> None:
        if not isinstance(model.network, Watchman) or not isinstance(model.codec, WatchCodec):
            raise RecurraError(f"Watch takes a model of anomaly_detection, not {model.task.name}")
        recipe: Any = model.task.recipe.of(model.recipe.asdict(), decoding)
        model.network.eval()
        self.network, self.codec, self.kind = model.network, model.codec, recipe.surprise
        self.stream, self.gauge = Stream(self.network.body), self.codec.gauge()
        self.surprise = Surprise(
            len(self.codec.names), habits(recipe), self.network.limit(recipe.threshold)
        )
        self.said: Tensor | None = None

    @torch.inference_mode()
    def step(self, values: Any, time: Any = None) -> Moment:
        """Take the next step.

        Args:
            values: of the channels, in the order of `codec.names`; NaN where one is missing.
            time: of the step, where the model was trained with a calendar.
        Raises:
            ValueError: there are more or fewer values than channels, one is infinite, or there is
                no time where one is needed.
        """
        values = np.atleast_1d(np.asarray(values, dtype=np.float64))
        if values.shape != (len(self.codec.names),) or np.isinf(values).any():
            raise InputError(
                f"values are {values.tolist()}; give a number for each of "
                f"{', '.join(self.codec.names)}, NaN where there is none"
            )
        if self.codec.calendar and time is None:
            raise InputError(
                f"this model reads the {', '.join(self.codec.calendar)}; give the time"
            )
        measured = self.gauge.read(values)
        row = [measured.features]
        if self.codec.calendar:
            stamp = Stamps(np.array([time], dtype="datetime64[us]"))
            row.append(features(stamp, 1, self.codec.calendar)[0])
        errors = np.full(len(values), np.nan)
        if self.said is not None:
            moved = torch.from_numpy(measured.moved.astype(np.float32))
            errors = self.network.errors(self.said, moved, self.kind).double().numpy()
        x = torch.from_numpy(np.concatenate(row))[None]
        y = self.stream.step(self.network.embed(x))
        self.said = self.network.output.raw(self.network.head(y)[:, None])[0, 0]
        return self.surprise.take(errors, values)
