"""A few steps of right context in a stream, and how the delay it costs is made up for."""

from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from recurra import inputs
from recurra.inputs import Count
from recurra.layers.base import Layer
from recurra.layers.lengths import carry, zero_beyond


class LookAheadState(NamedTuple):
    """The inputs of the last `context` steps, the oldest first."""

    held: Float[Tensor, "batch context features"]


class LookAhead(Layer):
    """Row convolution: each feature weighed over its own step and the next `context` steps.

        r_t = Σ_{j=0..context} w_j ⊙ x_{t+j}

    Amodei et al. 2016 (Deep Speech 2), https://arxiv.org/abs/1512.02595, section 3.7.
    r_t is known once x_{t+context} is: it comes out at step t + context (`delay`). The first
    `context` outputs of a stream answer steps before its start, whose inputs count as zero; after
    the last input, `context` frames of zeros bring the last answers (`aligned` does both).
    It begins as the identity, w_0 = 1 and the rest 0.

    Args:
        size: features in, and out.
        context: how many steps ahead it sees.
    Raises:
        ValueError: size or context is not positive.
    """

    def __init__(self, size: int, context: int) -> None:
        super().__init__()
        if size < 1:
            raise ValueError(f"size is {size}; a size is at least 1")
        if context < 1:
            raise ValueError(f"context is {context}; a look-ahead sees at least 1 step ahead")
        self.input_size = self.output_size = size
        self.delay = context
        self.weight = nn.Parameter(torch.eye(context + 1, 1).repeat(1, size))

    def initial_state(self, batch: Count) -> LookAheadState:
        """Return zeros."""
        return LookAheadState(self.weight.new_zeros(batch, self.delay, self.input_size))

    def forward(
        self,
        x: Float[Tensor, "batch time features"],
        state: Any = None,
        *,
        lengths: Int[Tensor, "batch"] | None = None,
    ) -> tuple[Float[Tensor, "batch time features"], LookAheadState]:
        """Return at each step the answer to the step `context` before it."""
        lengths = inputs.sequence("LookAhead", x, self.input_size, lengths, self.weight)
        if state is not None:
            inputs.state(self, state, x.shape[0], self.weight)
        before = self.initial_state(x.shape[0]) if state is None else state
        frames, held = carry(before.held, zero_beyond(x, lengths), lengths)
        time = x.shape[1]
        y = self.weight[0] * frames[:, :time]
        for j, weight in enumerate(self.weight[1:].unbind(), start=1):
            y = y + weight * frames[:, j : j + time]
        return zero_beyond(y, lengths), LookAheadState(held)

    def extra_repr(self) -> str:
        """Show the size and the context."""
        return f"{self.input_size}, {self.delay}"


def aligned(
    layer: Layer,
    x: Float[Tensor, "batch time input"],
    lengths: Int[Tensor, "batch"] | None = None,
) -> Float[Tensor, "batch time output"]:
    """Run a layer over whole sequences and make up for its delay: y[:, t] answers x[:, t].

    Each row is followed by `delay` frames of zeros, as a stream is flushed. Without delay it is
    the layer itself, from its initial state.
    """
    lengths = inputs.sequence(type(layer).__name__, x, layer.input_size, lengths)
    if layer.delay:
        x = functional.pad(zero_beyond(x, lengths), (0, 0, 0, layer.delay))
        lengths = None if lengths is None else lengths.long() + layer.delay
    y: Tensor = layer(x, lengths=lengths)[0]
    return y[:, layer.delay :]
