"""A step after another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike, NDArray

from recurra.runtime.search import Arrays

if TYPE_CHECKING:
    from recurra.runtime.model import Exported


class Stream:
    """A step after another; the state is a value, and can be kept, copied and put back.

    Args:
        model: whose step it is.
        state: by name, with a line for each row.
    """

    def __init__(self, model: Exported, state: Arrays) -> None:
        self.model, self.state = model, state
        step = model.graphs["step"]
        self.delay = int(step["delay"])
        self.output, self.input = step["outputs"][0]["name"], step["inputs"][0]["name"]

    def step(self, x: ArrayLike, **given: ArrayLike) -> NDArray[Any]:
        """Return what is said at this step, `delay` steps late; `ended` flushes what lags."""
        found = self.model.run("step", **{self.input: x}, **given, **self.state)
        said = found.pop(self.output)
        self.state = {name.removesuffix("_next"): one for name, one in found.items()}
        return said
