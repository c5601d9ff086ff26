"""A step after another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recurra.runtime import values
from recurra.runtime.search import Arrays

if TYPE_CHECKING:
    from recurra.runtime.model import Exported

NEXT = "_next"  # ends the name of a state that comes out


class Stream:
    """A step after another; the state is a value, and can be kept, copied and put back.

    All that goes in and out lies at fixed places: a step passes no array to the runtime, and takes
    the state, which lies in two places, from one to the other.

    Args:
        model: whose step it is.
        state: by name, with a line for each row.
        rows: how many there are.
    """

    def __init__(self, model: Exported, state: Mapping[str, NDArray[Any]], rows: int = 1) -> None:
        self.model, self.session, told = model, model.sessions["step"], model.graphs["step"]
        self.delay, self.output = int(told["delay"]), told["outputs"][0]["name"]
        self.input, sizes = told["inputs"][0]["name"], {"batch": rows}
        self._told = {value["name"]: value for value in told["inputs"]}
        held = {
            # a copy, since steps write there
            name: values.checked("step", self._told[name], one, sizes).copy()
            for name, one in state.items()
        }
        self._held = held, {name: one.copy() for name, one in held.items()}
        self._given = {
            name: values.empty(value, sizes)
            for name, value in self._told.items()
            if name not in held
        }
        self._said = values.empty(told["outputs"][0], sizes)
        self._ways = [self._bound(*pair) for pair in (self._held, self._held[::-1])]
        self._turn = 0

    @property
    def place(self) -> NDArray[Any]:
        """Where a step's input lies."""
        return self._given[self.input]

    @property
    def state(self) -> Arrays:
        """The state after the last step."""
        return {name: one.copy() for name, one in self._held[self._turn].items()}

    def put(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from another state, as `state` told it."""
        for name, place in self._held[self._turn].items():
            place[...] = state[name]

    def step(self, x: ArrayLike, **given: ArrayLike) -> NDArray[Any]:
        """Return what is said at this step, `delay` steps late; `ended` flushes what lags."""
        for name, place in self._given.items():
            one = x if name == self.input else given.get(name, False)
            fits = isinstance(one, np.ndarray) and one.dtype == place.dtype
            if not (fits and one.shape == place.shape) and one is not False:  # type: ignore[union-attr]  # it is an array there
                one = values.checked("step", self._told[name], one, {"batch": len(place)})
            place[...] = one
        self.session.run_with_iobinding(self._ways[self._turn])
        self._turn ^= 1
        return self._said.copy()

    def _bound(self, before: Arrays, after: Arrays) -> Any:
        """Return a binding of all places, with the state from one to the other."""
        binding = self.session.io_binding()
        taken = {value.name for value in self.session.get_inputs()}
        for name, one in {**self._given, **before}.items():
            if name in taken:
                place = "cpu", 0, one.dtype, one.shape, one.ctypes.data
                binding.bind_input(name, *place)
        moved = {name + NEXT: one for name, one in after.items()}
        for name, one in {self.output: self._said, **moved}.items():
            binding.bind_output(name, "cpu", 0, one.dtype, one.shape, one.ctypes.data)
        return binding
