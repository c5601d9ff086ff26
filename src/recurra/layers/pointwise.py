"""A module that looks at each step alone, as a layer."""

from typing import Any

from jaxtyping import Float, Int
from torch import Tensor, nn

from recurra import inputs
from recurra.inputs import Count
from recurra.layers.base import Layer
from recurra.layers.lengths import zero_beyond


class Pointwise(Layer):
    """y_t = f(x_t), without a state: what embeds or scores steps, in a stack and in a stream.

    Args:
        module: f, on the last axis: a linear map, an activation, dropout, a sequence of these.
        input_size: features in.
        output_size: features out.
    """

    def __init__(self, module: nn.Module, input_size: int, output_size: int) -> None:
        super().__init__()
        self.module, self.input_size, self.output_size = module, input_size, output_size

    def initial_state(self, batch: Count) -> tuple[()]:
        """Return nothing."""
        return ()

    def forward(
        self,
        x: Float[Tensor, "batch time input"],
        state: Any = None,
        *,
        lengths: Int[Tensor, "batch"] | None = None,
    ) -> tuple[Float[Tensor, "batch time output"], tuple[()]]:
        """Return f of each step; zeros beyond lengths."""
        lengths = inputs.sequence(
            "Pointwise", x, self.input_size, lengths, inputs.weight(self.module)
        )
        if state is not None:
            inputs.parts("Pointwise", state, 0)
        return zero_beyond(self.module(zero_beyond(x, lengths)), lengths), ()
