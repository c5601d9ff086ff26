"""Sequence in; sequence and state out."""

from abc import ABC, abstractmethod
from typing import Any

from jaxtyping import Float, Int
from torch import Tensor, nn

from recurra import inputs
from recurra.engines.branch import repeated, shared
from recurra.errors import InputError
from recurra.inputs import Count


class Layer(nn.Module, ABC):
    """A map of sequences that carries a state, so that a stream goes on where it stopped.

    y, state = layer(x, state, lengths=lengths): any cut of a sequence gives the same outputs.
    Time is axis 1, batch axis 0. Rows shorter than the batch have `lengths`; outputs beyond a
    row's length are zero, and its state passes through there.

    `delay` is how many steps an output lags behind its input (0 for all but look-ahead layers):
    y[:, t] answers x[:, t - delay]. Topologies flush it with `aligned` from lookahead.py.

    `streams` tells whether the law of the cut holds; it does not where a layer reads backward.
    """

    input_size: int
    output_size: int
    delay: int = 0
    streams: bool = True

    @abstractmethod
    def initial_state(self, batch: Count) -> Any:
        """Return the state before the first step: a tensor or (nested, named) tuple of tensors."""

    @abstractmethod
    def forward(
        self,
        x: Float[Tensor, "batch time input"],
        state: Any = None,
        *,
        lengths: Int[Tensor, "batch"] | None = None,
    ) -> tuple[Float[Tensor, "batch time output"], Any]:
        """Return the outputs and the state after the last step; `state` None starts afresh."""

    def branch(
        self, x: Float[Tensor, "some branches input"], state: Any
    ) -> Float[Tensor, "batch branches output"]:
        """Return the outputs of one step from each row's state, for each of several inputs.

        As if the rows were repeated: a branch is a row of its own, of one step. Cells and layers
        of the package compute what branches or rows share once, where no hook watches them.

        Args:
            x: inputs; of fewer rows than the state where rows share them, in turn.
            state: of `batch` rows, a multiple of x's.
        Raises:
            TypeError, ValueError: the layer reads backward or lags, or a value is of another
                structure, shape, type or place than it takes.
        """
        owner = type(self).__name__
        inputs.numbers(owner, "x", x, ("some", "branches", self.input_size), inputs.weight(self))
        if not self.streams or self.delay:
            raise InputError(f"{owner} reads backward or lags: it has no step from a state")
        rows = shared(owner, x, state)
        y: Tensor = self(*repeated(x, state, rows))[0]
        return y.view(rows, x.shape[1], self.output_size)
