"""Streams of stacks whose parts are stepped each in its own way."""

import copy
from itertools import groupby
from threading import Lock
from typing import Any, NamedTuple

import torch
from torch import Tensor

from recurra.errors import RecurraError
from recurra.layers import Layer, Stack
from recurra.streaming.graph import graph_steps
from recurra.streaming.loop import LoopSteps, check
from recurra.streaming.native import NativeSteps, is_plain, plan
from recurra.streaming.rows import Rows
from recurra.streaming.steps import Steps


def steps_of(layer: Layer, capacity: int, weights: str, threads: int) -> Steps:
    """Return what steps a layer soonest: the library, the parts of a stack, or the layer itself."""
    cells, reason = plan(layer)
    if reason is None:
        return NativeSteps(layer, cells, capacity, weights, threads)
    if _has_native(layer):
        return StackSteps(layer, capacity, weights, threads)
    return graph_steps(layer, capacity) or LoopSteps(layer, capacity)


def _has_native(layer: Layer) -> bool:
    """Return whether a layer is a stack, and the library steps a part of it."""
    if type(layer) is not Stack or not is_plain(layer):
        return False
    parts = [part for part in layer.layers if isinstance(part, Layer)]
    return any(plan(part)[1] is None or _has_native(part) for part in parts)


class Run(NamedTuple):
    """Neighbours of a stack that are stepped together, and how many they are."""

    steps: Steps
    size: int


class StackSteps(Steps):
    """Some of a stack's layers by the library, the others by themselves."""

    name = "parts"

    def __init__(self, stack: Layer, capacity: int, weights: str, threads: int) -> None:
        assert isinstance(stack, Stack)
        self.inputs, self.outputs = stack.input_size, stack.output_size
        parts = [part for part in stack.layers if isinstance(part, Layer)]
        self.runs = list[Run]()
        for alone, run in groupby(parts, _has_native):
            if alone:  # a stack within: its own parts
                self.runs += [Run(steps_of(part, capacity, weights, threads), 1) for part in run]
                continue
            for _, some in groupby(run, lambda part: plan(part)[1] is None):
                layers = list(some)
                whole = layers[0] if len(layers) == 1 else Stack(*layers)
                self.runs.append(Run(steps_of(whole, capacity, weights, threads), len(layers)))
        self._used = Lock()

    def step(self, rows: Rows, x: Tensor, out: Tensor | None) -> Tensor:
        """Return the outputs of rows, in `out` where it is given."""
        place = torch.float32, torch.device("cpu")  # as the library's parts have them
        check("x", x, (rows.size, self.inputs), *place)
        if out is not None:
            check("out", out, (rows.size, self.outputs), *place)
        if not self._used.acquire(blocking=False):
            raise RecurraError("another thread is using this stream")
        try:
            *below, last = (run.steps for run in self.runs)
            for part in below:
                x = part.step(rows, x, None)
            return last.step(rows, x, out)
        finally:
            self._used.release()

    def read(self, rows: Rows) -> Any:
        """Return a copy of the state of rows."""
        states = [(run, run.steps.read(rows)) for run in self.runs]
        return tuple(
            part for run, state in states for part in (state if run.size > 1 else (state,))
        )

    def write(self, rows: Rows, state: Any) -> None:
        """Set the state of rows."""
        at = 0
        for run in self.runs:
            some = state[at : at + run.size]
            run.steps.write(rows, some if run.size > 1 else some[0])
            at += run.size

    def copy(self) -> Steps:
        """Return steps of their own."""
        made = copy.copy(self)
        made.runs = [Run(run.steps.copy(), run.size) for run in self.runs]
        made._used = Lock()
        return made
