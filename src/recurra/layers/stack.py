"""Layers on one another."""

from itertools import pairwise
from typing import Any

from jaxtyping import Float, Int
from torch import Tensor, nn

from recurra import inputs
from recurra.cells.base import Cell
from recurra.engines.hooks import observed
from recurra.inputs import Count
from recurra.layers.base import Layer
from recurra.layers.dropout import Dropout, VariationalDropout, check_rate
from recurra.layers.recurrent import as_layer


class Stack(Layer):
    """Layers on one another, each reading the outputs of the one below.

    The state is the tuple of the layers' states; their delays add up.

    Args:
        layers: from the input upward; a cell stands for `Recurrent(cell)`.
        dropout: rate of dropout between layers (neither before the first nor after the last).
        variational: one dropout mask per row and call, not one per step.
    Raises:
        ValueError: there is no layer, a layer does not take the outputs of the one below, or
            dropout is not in [0, 1).
        TypeError: a part is neither a layer nor a cell.
    """

    def __init__(
        self, *layers: Layer | Cell[Any], dropout: float = 0.0, variational: bool = False
    ) -> None:
        super().__init__()
        if not layers:
            raise ValueError("Stack got no layers; give at least one")
        parts = [as_layer(layer) for layer in layers]
        for i, (below, above) in enumerate(pairwise(parts), start=1):
            if below.output_size != above.input_size:
                raise ValueError(
                    f"layer {i} of the stack takes {above.input_size} features, but layer {i - 1} "
                    f"below it gives {below.output_size}; make the two sizes equal"
                )
        check_rate("dropout", dropout)
        self.layers = nn.ModuleList(parts)
        self.between = VariationalDropout(dropout) if variational else Dropout(dropout)
        self.input_size, self.output_size = parts[0].input_size, parts[-1].output_size
        self.delay = sum(part.delay for part in parts)
        self.streams = all(part.streams for part in parts)

    def initial_state(self, batch: Count) -> tuple[Any, ...]:
        """Return the layers' initial states."""
        return tuple(layer.initial_state(batch) for layer in self._parts())

    def forward(
        self,
        x: Float[Tensor, "batch time input"],
        state: Any = None,
        *,
        lengths: Int[Tensor, "batch"] | None = None,
    ) -> tuple[Float[Tensor, "batch time output"], tuple[Any, ...]]:
        """Run the layers from the input upward."""
        lengths = inputs.sequence("Stack", x, self.input_size, lengths)
        if state is not None:
            inputs.parts("Stack", state, len(self.layers))
        befores = self.initial_state(x.shape[0]) if state is None else state
        afters = []
        for i, (layer, before) in enumerate(zip(self._parts(), befores, strict=True)):
            x, after = layer(self.between(x) if i else x, before, lengths=lengths)
            afters.append(after)
        return x, tuple(afters)

    def branch(
        self, x: Float[Tensor, "some branches input"], state: Any
    ) -> Float[Tensor, "batch branches output"]:
        """Take one step of the layers, from the input upward."""
        if observed(self):
            return super().branch(x, state)
        inputs.parts("Stack", state, len(self.layers))
        for i, (layer, before) in enumerate(zip(self._parts(), state, strict=True)):
            if i:  # a mask of its own for each branch
                x = self.between(x.flatten(0, 1)[:, None]).view_as(x)
            x = layer.branch(x, before)
        return x

    def _parts(self) -> list[Layer]:
        return [layer for layer in self.layers if isinstance(layer, Layer)]
