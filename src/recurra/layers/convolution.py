"""Features of a few steps at once, seen back from each."""

from typing import Any, NamedTuple

from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from recurra import inputs
from recurra.errors import InputError
from recurra.inputs import Count
from recurra.layers.base import Layer
from recurra.layers.lengths import carry, zero_beyond


class ConvolutionState(NamedTuple):
    """The inputs of the last kernel − 1 steps, the oldest first."""

    held: Float[Tensor, "batch context features"]


class Convolution(Layer):
    """A causal convolution over time, rectified.

        y_t = max(0, b + Σ_{j=0..K−1} W_j x_{t−j})

    What stands before the first step counts as zero. Waibel et al. 1989,
    https://doi.org/10.1109/29.21701 (time-delay neural network), section II, with the rectifier in
    the sigmoid's place.

    Args:
        size: features in.
        features: features out.
        kernel: steps that an output reads, K.
    Raises:
        ValueError: a number is not positive.
    """

    def __init__(self, size: int, features: int, kernel: int) -> None:
        super().__init__()
        for name, number in [("size", size), ("features", features), ("kernel", kernel)]:
            if number < 1:
                raise InputError(f"{name} is {number}; it is at least 1")
        self.input_size, self.output_size, self.kernel = size, features, kernel
        self.over_time = nn.Conv1d(size, features, kernel)

    def initial_state(self, batch: Count) -> ConvolutionState:
        """Return zeros."""
        zeros = self.over_time.weight.new_zeros(batch, self.kernel - 1, self.input_size)
        return ConvolutionState(zeros)

    def forward(
        self,
        x: Float[Tensor, "batch time features"],
        state: Any = None,
        *,
        lengths: Int[Tensor, "batch"] | None = None,
    ) -> tuple[Float[Tensor, "batch time output"], ConvolutionState]:
        """Return the features of each step and those before it."""
        weight = self.over_time.weight
        inputs.sequence("Convolution", x, self.input_size, lengths, weight)
        if state is not None:
            inputs.state(self, state, x.shape[0], weight)
        before = self.initial_state(x.shape[0]) if state is None else state
        frames, held = carry(before.held, zero_beyond(x, lengths), lengths)
        if x.shape[0] == 0 or x.shape[1] == 0:
            return x.new_zeros(*x.shape[:2], self.output_size), ConvolutionState(held)
        y = functional.relu(self.over_time(frames.transpose(1, 2)).transpose(1, 2))
        return zero_beyond(y, lengths), ConvolutionState(held)

    def extra_repr(self) -> str:
        """Show the sizes."""
        return f"{self.input_size}, {self.output_size}, kernel={self.kernel}"
