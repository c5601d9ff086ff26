"""What does not grow: parameters with the input, the state with the stream."""

from __future__ import annotations

import torch
from torch import nn

from recurra import tree
from recurra.cells import GRU, LSTM, MinGRU
from recurra.layers import Recurrent
from recurra.limits.case import Case
from recurra.limits.experiment import Experiment
from recurra.limits.finding import Limit
from recurra.limits.reader import Reader
from recurra.reports import Plot, Table
from recurra.reports.table import Cell
from recurra.streaming import Stream

INPUTS, HIDDEN = 8, 64
CELLS = (GRU, LSTM, MinGRU)


def dense(steps: int) -> nn.Module:
    """Return a network with weights of its own for each position."""
    return nn.Sequential(nn.Flatten(), nn.Linear(steps * INPUTS, HIDDEN), nn.Linear(HIDDEN, 1))


def count(model: nn.Module) -> int:
    """Return how many parameters a model has."""
    return sum(weight.numel() for weight in model.parameters())


def state_bytes(stream: Stream) -> int:
    """Return the bytes of a stream's state."""
    leaves = tree.leaves(stream.state)
    return sum(leaf.numel() * leaf.element_size() for leaf in leaves)


def streamed(layer: Recurrent, lengths: tuple[int, ...]) -> list[tuple[float, float]]:
    """Step a stream, and return the bytes of its state after so many steps."""
    found, done = list[tuple[float, float]](), 0
    frame = torch.randn(1, INPUTS)
    with Stream(layer.eval()) as stream:
        for steps in lengths:
            for _ in range(steps - done):
                stream.step(frame)
            done = steps
            found.append((float(steps), float(state_bytes(stream))))
    return found


def run(case: Case) -> Limit:
    """Count parameters by length, and bytes of states that a stream has left behind."""
    lengths = case.choose((10, 100, 1000, 10_000, 100_000), (10, 100, 1000))
    torch.manual_seed(0)
    x = torch.randn(1, lengths[-1], INPUTS)
    sizes, states = dict[str, list[tuple[float, float]]](), dict[str, list[tuple[float, float]]]()
    with torch.no_grad():
        for steps in lengths:
            case.progress(f"{steps:,} steps")
            for kind in CELLS:
                model = Reader(Recurrent(kind(INPUTS, HIDDEN)), 1)
                model(x[:, :steps])  # the same weights read them all
                sizes.setdefault(kind.__name__, []).append((float(steps), float(count(model))))
            flat = dense(steps)
            flat(x[:, :steps])
            sizes.setdefault("dense layer over positions", []).append((float(steps), count(flat)))
    for kind in CELLS:
        states[kind.__name__] = streamed(Recurrent(kind(INPUTS, HIDDEN)), lengths)
    window = [(float(steps), 4.0 * INPUTS * steps) for steps in lengths]
    states["all frames kept, float32"] = window
    ours, other = sizes["GRU"][-1][1], sizes["dense layer over positions"][-1][1]
    kept = states["GRU"][-1][1]
    rows: list[list[Cell]] = [[name, *(int(y) for _, y in line)] for name, line in sizes.items()]
    held: list[list[Cell]] = [[name, *(int(y) for _, y in line)] for name, line in states.items()]
    head = [f"{steps:,} steps" for steps in lengths]
    return Limit(
        name=EXPERIMENT.name,
        kind=EXPERIMENT.kind,
        title=EXPERIMENT.title,
        fails="The same weights read every step, and what was read is in a state of fixed size: "
        "what a sequence or a stream costs is known before it begins.",
        cure="",
        verdict=f"A GRU has {ours:,.0f} parameters at any length, and a state of {kept:,.0f} bytes "
        f"after {lengths[-1]:,} steps of a stream; a dense layer over {lengths[-1]:,} positions "
        f"has {other:,.0f} parameters.",
        measured=f"{INPUTS} numbers a step, {HIDDEN} units. Parameters of models that have read a "
        "sequence of that length; bytes of a recurra.Stream's state after so many steps.",
        plots=(
            Plot(
                "Parameters", sizes, "steps of the input", "parameters", log=True, log_across=True
            ),
            Plot("State", states, "steps of the stream", "bytes", log=True, log_across=True),
        ),
        tables=(
            Table("Parameters", ["model", *head], rows),
            Table("Bytes of the state", ["model", *head], held),
        ),
    )


EXPERIMENT = Experiment(
    "constant", "strength", "Parameters and state do not grow with length", 10, 1, run
)
