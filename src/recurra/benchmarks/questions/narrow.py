"""What do narrow weights gain a stream, and what do they change in a task's metric?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

import recurra
from recurra.benchmarks.contest import Target
from recurra.benchmarks.question import Question, Settings
from recurra.benchmarks.questions.streaming import check, ours, trust
from recurra.benchmarks.results import Row
from recurra.benchmarks.timing import race
from recurra.cells import GRU, LSTM
from recurra.layers import Layer
from recurra.streaming import Stream

KINDS = ("int8", "float16", "bfloat16")
TARGET = Target(1.5, 2.5)
FULL = "recurra float32"
METRIC = {"sentiment": "accuracy", "ner": "span_f1"}
OPTIONS: dict[str, dict[str, Any]] = {"sentiment": {"pool": "mean"}, "ner": {}}


class Streamed(Layer):
    """A layer read frame by frame by a stream, whose rows rest where their sequences end."""

    def __init__(self, layer: Layer, weights: str) -> None:
        super().__init__()
        self.layer, self.weights = layer, weights
        self.input_size, self.output_size = layer.input_size, layer.output_size
        self.delay = layer.delay

    def initial_state(self, batch: int) -> Any:
        """Return the layer's own."""
        return self.layer.initial_state(batch)

    def forward(
        self, x: Tensor, state: Any = None, *, lengths: Tensor | None = None
    ) -> tuple[Tensor, Any]:
        """Return outputs and the state after each row's last step."""
        y = x.new_zeros(len(x), x.shape[1], self.output_size)
        ends = [x.shape[1]] * len(x) if lengths is None else lengths.tolist()
        with Stream(self.layer, len(x), weights=self.weights) as stream:
            for t in range(x.shape[1]):
                rows = [row for row, end in enumerate(ends) if t < end]
                y[rows, t] = stream.step(x[rows, t], rows=rows)
            return y, stream.state


def answer(part: str, settings: Settings) -> Iterator[Row]:
    """Yield rows about speed, or about a task's metric."""
    yield from speed(settings) if part == "speed" else metric(settings)


def speed(settings: Settings) -> Iterator[Row]:
    """Yield a row per cell and kind of weights: one step of one row, on one thread."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    hidden = 16 if settings.quick else 512
    for kind in (LSTM, GRU):
        cell, x = kind(hidden, hidden), torch.randn(1, hidden)
        steps = {name: ours(cell, x, 1, name) for name in ("float32", *KINDS)}
        errors = {name: check(cell, x, step) for name, step in steps.items()}
        trust(errors["float32"], "recurra's step")
        timing = race(steps, settings.pace(4.0))
        for name in KINDS:
            yield Row(
                question="narrow",
                part="speed",
                cell=kind.__name__,
                shape=(1, 1, hidden, hidden),
                threads=1,
                engine="native stream",
                peer=FULL,
                ratio=timing.median("float32") / timing.median(name),
                spread=timing.spread(name, "float32"),
                ours_ms=1e3 * timing.median(name),
                peer_ms=1e3 * timing.median("float32"),
                must=TARGET.must,
                aim=TARGET.aim,
                error=errors[name],
                peer_error=errors["float32"],
                note=f"{name} weights",
            )


def metric(settings: Settings) -> Iterator[Row]:
    """Yield a row per task and kind of weights: the metric on the embedded sample's test part."""
    for task in list(METRIC)[: 1 if settings.quick else None]:
        fields = {**OPTIONS[task], **({"epochs": 1} if settings.quick else {})}
        model: Any = recurra.train(task, cell="lstm", bidirectional=False, seed=0, **fields)
        body, found = model.network.body, {}
        for name in ("float32", *KINDS):
            model.network.body = Streamed(body, name)
            found[name] = model.evaluate()[METRIC[task]]
        for name in KINDS:
            yield Row(
                question="narrow",
                part="metric",
                cell="LSTM",
                shape=(),
                threads=settings.threads,
                engine="native stream",
                peer=FULL,
                ratio=found[name] / max(found["float32"], 1e-9),
                note=f"{name} weights, {task}: {METRIC[task]} {found[name]:.4f} against "
                f"{found['float32']:.4f}",
            )


NARROW = Question(
    "narrow",
    "A stream of 512 units with narrow weights, against its own in float32; a task's metric.",
    ("speed", "metric"),
    answer,
    1.5,
)
