"""Streams on a GPU: a step of many rows as one CUDA graph, whatever the layer is made of."""

import copy
from functools import partial
from threading import Lock
from typing import Any

import torch
from torch import Tensor

from recurra import tree
from recurra.engines.graph.recorder import Recording, memory, record, unrecorded
from recurra.engines.graph.watch import Watch
from recurra.errors import EngineRefused, RecurraError
from recurra.layers import Layer
from recurra.streaming.loop import LoopSteps, check, frozen
from recurra.streaming.rows import Rows
from recurra.streaming.steps import Steps


def graph_steps(layer: Layer, capacity: int) -> Steps | None:
    """Return what steps a layer by recordings; None where its device has none.

    A layer that cannot be recorded is given its frames one at a time, and says why.
    """
    like = next(layer.parameters(), None)
    if like is None or unrecorded(like.device):
        return None
    try:
        return GraphSteps(layer, capacity)
    except EngineRefused as error:
        return LoopSteps(layer, capacity, str(error))


class GraphSteps(Steps):
    """A copy of a layer, the state of `capacity` rows and one more, and a graph for 1, 2, 4 … rows.

    A step of other numbers fills up with the last row, which nobody reads. The graph gathers the
    states of the rows that step and scatters them again; what is copied in is frames and, where
    other rows step than before, their places.

    Raises:
        EngineRefused: the layer does what cannot be recorded.
    """

    name = "graph"

    def __init__(self, layer: Layer, capacity: int) -> None:
        self.inputs, self.outputs, self.capacity = layer.input_size, layer.output_size, capacity
        with torch.inference_mode(mode=False), torch.no_grad():
            self.layer = frozen(layer)
            like = next(self.layer.parameters())
            self.dtype, self.device = like.dtype, like.device
            self.state = tree.map(torch.clone, self.layer.initial_state(capacity + 1))
            self._placed: Rows | None = None
            self._own()
            self._recorded(1)

    def step(self, rows: Rows, x: Tensor, out: Tensor | None) -> Tensor:
        """Return the outputs of rows, in `out` where it is given."""
        place = self.dtype, self.device
        check("x", x, (rows.size, self.inputs), *place)
        if out is not None:
            check("out", out, (rows.size, self.outputs), *place)
        else:
            out = x.new_empty(rows.size, self.outputs)
        if rows.size == 0:
            return out
        if not self._used.acquire(blocking=False):
            raise RecurraError("another thread is using this stream")
        try:
            with torch.inference_mode(mode=False), torch.no_grad():
                recording = self._recorded(rows.size)
                if rows is not self._placed:
                    self.places[: rows.size].copy_(rows.places)
                    self.places[rows.size :].fill_(self.capacity)
                    self._placed = rows
                self.x[: rows.size].copy_(x)
                recording.replay()
                out.copy_(recording.result[: rows.size])
        finally:
            self._used.release()
        return out

    def read(self, rows: Rows) -> Any:
        """Return a copy of the state of rows."""
        places = rows.places.to(self.device)
        return tree.map(lambda leaf: leaf.index_select(0, places), self.state)

    def write(self, rows: Rows, state: Any) -> None:
        """Set the state of rows."""
        places = rows.places.to(self.device)
        with torch.no_grad():
            tree.map(lambda all, some: all.index_copy_(0, places, some), self.state, state)

    def copy(self) -> Steps:
        """Return steps with states of their own, which are recorded anew."""
        made = copy.copy(self)
        made.state = tree.map(torch.clone, self.state)
        made._own()
        return made

    def _own(self) -> None:
        """Take memory for what goes in, and begin without recordings."""
        most = 1 << (self.capacity - 1).bit_length()
        self.x = torch.ones(most, self.inputs, dtype=self.dtype, device=self.device)
        self.places = torch.full((most,), self.capacity, device=self.device)
        self._placed = None
        self._recordings = dict[int, Recording]()
        self._pool, self._used = memory(self.device), Lock()

    def _recorded(self, rows: int) -> Recording:
        """Return the recording for so many rows, or the next power of two."""
        size = 1 << (rows - 1).bit_length()
        if size not in self._recordings:
            self.places.fill_(self.capacity)  # while it is recorded, only the last row moves
            self._placed = None
            with Watch():  # type: ignore[no-untyped-call]  # torch gives modes no types
                self._take(size)
            self._recordings[size] = record(partial(self._take, size), self.device, self._pool)
        return self._recordings[size]

    def _take(self, size: int) -> Tensor:
        """Take a step of the rows whose places are the first ones."""
        places = self.places[:size]
        before = tree.map(lambda leaf: leaf.index_select(0, places), self.state)
        y, after = self.layer(self.x[:size, None], before)
        tree.map(lambda all, some: all.index_copy_(0, places, some), self.state, after)
        frame: Tensor = y[:, 0]
        return frame.contiguous()
