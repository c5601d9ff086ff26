"""Fewer and wider steps: a layer's outputs, a few at a time, as one."""

from typing import Any

from jaxtyping import Float, Int
from torch import Tensor

from recurra import inputs
from recurra.errors import InputError
from recurra.inputs import Count
from recurra.layers.base import Layer
from recurra.layers.lengths import zero_beyond


class FrameStack(Layer):
    """A layer run `size` steps at a time, its outputs side by side.

        y_t = [f_{kt}, f_{kt+1}, …, f_{kt+k−1}]        f = layer(x), k = size

    Each input holds k inputs of the layer, one behind the other. What reads y has a k-th of the
    steps: Sak et al. 2015, https://arxiv.org/abs/1507.06947, section 2, without overlap. Each y
    is known with its input, so a stream is the whole.

    Args:
        layer: what is run.
        size: its steps in one, k.
    Raises:
        ValueError: size is not positive, or the layer's delay is no multiple of it.
    """

    def __init__(self, layer: Layer, size: int) -> None:
        super().__init__()
        if size < 1:
            raise InputError(f"size is {size}; FrameStack takes 1 or more")
        if layer.delay % size:
            raise InputError(
                f"the layer lags {layer.delay} steps, which are not whole ones of {size} each"
            )
        self.layer, self.size = layer, size
        self.input_size = layer.input_size * size
        self.output_size = layer.output_size * size
        self.delay, self.streams = layer.delay // size, layer.streams

    def initial_state(self, batch: Count) -> Any:
        """Return the layer's initial state."""
        return self.layer.initial_state(batch)

    def forward(
        self,
        x: Float[Tensor, "batch time input"],
        state: Any = None,
        *,
        lengths: Int[Tensor, "batch"] | None = None,
    ) -> tuple[Float[Tensor, "batch time output"], Any]:
        """Run the layer over the steps within the steps."""
        lengths = inputs.sequence("FrameStack", x, self.input_size, lengths)
        batch, time = x.shape[:2]
        steps = x.reshape(batch, time * self.size, self.layer.input_size)
        inner = None if lengths is None else lengths.long().clamp(max=time) * self.size
        y, after = self.layer(steps, state, lengths=inner)
        return zero_beyond(y.reshape(batch, time, self.output_size), lengths), after

    def extra_repr(self) -> str:
        """Show the size."""
        return f"size={self.size}"
