"""A layer with a way around it."""

from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from recurra import inputs
from recurra.cells.base import Cell
from recurra.engines.branch import spread
from recurra.engines.hooks import observed
from recurra.inputs import Count
from recurra.layers.base import Layer
from recurra.layers.lengths import carry, zero_beyond
from recurra.layers.recurrent import as_layer


class ResidualState(NamedTuple):
    """State of a `Residual` whose layer lags: the layer's, and the inputs it has not answered."""

    layer: Any
    held: Float[Tensor, "batch delay input"]


class Residual(Layer):
    """What a layer adds to its input, the input normalised before the layer (pre-norm).

        y = x + layer(norm(x))      norm(x) = g ⊙ x / √(mean x² + ε)

    He et al. 2016, https://arxiv.org/abs/1603.05027, section 4 (norm before the layer); Zhang and
    Sennrich 2019, https://arxiv.org/abs/1910.07467, equation 4 (the norm).
    Where the layer lags behind its input, x waits as long. The state is the layer's own, or a
    `ResidualState` where inputs wait.

    Args:
        layer: the layer; a cell stands for `Recurrent(cell)`.
    Raises:
        ValueError: the layer's input and output differ in size.
        TypeError: it is neither a layer nor a cell.
    """

    def __init__(self, layer: Layer | Cell[Any]) -> None:
        super().__init__()
        self.layer = as_layer(layer)
        self.input_size, self.output_size = self.layer.input_size, self.layer.output_size
        if self.input_size != self.output_size:
            raise ValueError(
                f"Residual adds a layer's output to its input, but {type(layer).__name__} takes "
                f"{self.input_size} features and gives {self.output_size}; make the two sizes equal"
            )
        self.norm = nn.RMSNorm(self.input_size, eps=1e-5)
        self.delay, self.streams = self.layer.delay, self.layer.streams

    def initial_state(self, batch: Count) -> Any:
        """Return the layer's, with zeros waiting where it lags."""
        inner = self.layer.initial_state(batch)
        if not self.delay:
            return inner
        like = self.norm.weight
        held = torch.zeros(batch, self.delay, self.input_size, dtype=like.dtype, device=like.device)
        return ResidualState(inner, held)

    def forward(
        self,
        x: Float[Tensor, "batch time input"],
        state: Any = None,
        *,
        lengths: Int[Tensor, "batch"] | None = None,
    ) -> tuple[Float[Tensor, "batch time input"], Any]:
        """Add what the layer makes of the normalised input."""
        lengths = inputs.sequence("Residual", x, self.input_size, lengths, self.norm.weight)
        if state is not None and self.delay:
            inputs.fields("Residual", "the state", state, ResidualState)
            sizes = x.shape[0], self.delay, self.input_size
            inputs.numbers("Residual", "state held", state.held, sizes, self.norm.weight)
        x = zero_beyond(x, lengths)
        if state is None:
            state = self.initial_state(x.shape[0])
        if not self.delay:
            y, state = self.layer(self.norm(x), state, lengths=lengths)
            return x + y, state
        y, inner = self.layer(self.norm(x), state.layer, lengths=lengths)
        frames, held = carry(state.held, x, lengths)
        return zero_beyond(frames[:, : x.shape[1]], lengths) + y, ResidualState(inner, held)

    def branch(
        self, x: Float[Tensor, "some branches input"], state: Any
    ) -> Float[Tensor, "batch branches input"]:
        """Add what the layer makes of the normalised input."""
        sizes = "some", "branches", self.input_size
        inputs.numbers("Residual", "x", x, sizes, self.norm.weight)
        if self.delay or observed(self):  # what lags is refused there
            return super().branch(x, state)
        y = self.layer.branch(self.norm(x), state)
        return spread(x, len(y)) + y
