"""What do narrow weights change: in the outputs of a stream, and in a task's metric?

`python -m benchmarks.speed.narrow_weights` trains the sentiment and the entity sample (a minute),
then reads their test parts by streams with each kind of weights.
"""

import copy
from typing import Any

import torch
from torch import Tensor

import recurra
from recurra import LSTM, Layer, Stream, unroll

KINDS = ("float32", "float16", "bfloat16", "int8")
METRIC = {"sentiment": "accuracy", "ner": "span_f1"}
OPTIONS = {"sentiment": {"pool": "mean"}, "ner": {}}


class Streamed(Layer):
    """A layer read frame by frame by a stream, whose rows leave where their sequences end."""

    def __init__(self, layer: Layer, weights: str) -> None:
        super().__init__()
        self.layer, self.weights = layer, weights
        self.input_size, self.output_size = layer.input_size, layer.output_size
        self.delay = layer.delay

    def initial_state(self, batch: int) -> Any:
        return self.layer.initial_state(batch)

    def forward(
        self, x: Tensor, state: Any = None, *, lengths: Tensor | None = None
    ) -> tuple[Tensor, Any]:
        y = x.new_zeros(len(x), x.shape[1], self.output_size)
        ends = [x.shape[1]] * len(x) if lengths is None else lengths.tolist()
        with Stream(self.layer, len(x), weights=self.weights) as stream:
            for t in range(x.shape[1]):
                rows = [row for row, end in enumerate(ends) if t < end]
                y[rows, t] = stream.step(x[rows, t], rows=rows)
            return y, stream.state


def outputs(width: int = 512, time: int = 200) -> list[dict[str, Any]]:
    """Return the largest and the root mean square difference from float64 over a sequence."""
    torch.manual_seed(0)
    cell, x = LSTM(width, width), torch.randn(8, time, width)
    exact = unroll(copy.deepcopy(cell).double(), x.double())[0].detach()
    rows = []
    for weights in KINDS:
        off = (Streamed(recurra.Recurrent(cell), weights)(x)[0] - exact).abs()
        rows.append(
            {
                "question": "change in output",
                "cell": "LSTM",
                "shape": [*x.shape, width],
                "weights": weights,
                "max": off.max().item(),
                "rms": off.square().mean().sqrt().item(),
                "scale": exact.square().mean().sqrt().item(),
            }
        )
    return rows


def metrics(task: str) -> list[dict[str, Any]]:
    """Return the metric on the test part of the embedded sample."""
    model = recurra.train(task, cell="lstm", bidirectional=False, seed=0, **OPTIONS[task])
    body = model.network.body
    rows = []
    for weights in KINDS:
        model.network.body = Streamed(body, weights)
        found = model.evaluate()
        row = {"question": "change in metric", "task": task, "weights": weights}
        rows.append({**row, METRIC[task]: found[METRIC[task]], "loss": found["loss"]})
    return rows


def main() -> None:
    for row in [*outputs(), *metrics("sentiment"), *metrics("ner")]:
        print("  ".join(f"{name} {value}" for name, value in row.items()))


if __name__ == "__main__":
    main()
