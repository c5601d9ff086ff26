"""Convolutions over time and over features that are neighbours, as the keys of a piano are."""

from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from recurra import inputs
from recurra.inputs import Count
from recurra.layers.base import Layer
from recurra.layers.lengths import carry, zero_beyond


class PlaneState(NamedTuple):
    """The inputs of the last `width` − 1 steps, the oldest first."""

    held: Float[Tensor, "batch context input"]


class PlaneConvolution(Layer):
    """Each feature seen with its neighbours, and with how they were a few steps ago.

        y_{t,k,c} = Σ_{j=0..width−1} Σ_{|d|≤reach} W_{c,j,d} x_{t−j,k+d}

    What lies before the first step or beyond the first and last feature is 0. It never looks
    ahead, so it streams; its weights do not know which feature they look at. Output features of
    one k stand together: y is [batch time k·c].

    Args:
        input_size: features of a step, in their order.
        filters: c.
        width: steps that a filter spans, its own one included.
        reach: features on each side that a filter spans.
    Raises:
        ValueError: filters or a size are not positive, or reach is negative.
    """

    def __init__(self, input_size: int, filters: int, width: int, reach: int) -> None:
        super().__init__()
        for name, size in [("input_size", input_size), ("filters", filters), ("width", width)]:
            if size < 1:
                raise ValueError(f"{name} is {size}; it is at least 1")
        if reach < 0:
            raise ValueError(f"reach is {reach}; it is 0 or more")
        self.input_size, self.output_size = input_size, input_size * filters
        self.filters, self.width, self.reach = filters, width, reach
        self.weight = nn.Parameter(torch.empty(filters, 1, width, 2 * reach + 1))
        nn.init.kaiming_normal_(self.weight)

    def initial_state(self, batch: Count) -> PlaneState:
        """Return zeros."""
        return PlaneState(self.weight.new_zeros(batch, self.width - 1, self.input_size))

    def forward(
        self,
        x: Float[Tensor, "batch time input"],
        state: Any = None,
        *,
        lengths: Int[Tensor, "batch"] | None = None,
    ) -> tuple[Float[Tensor, "batch time output"], PlaneState]:
        """Return the filters of each step and feature."""
        lengths = inputs.sequence("PlaneConvolution", x, self.input_size, lengths, self.weight)
        if state is not None:
            inputs.state(self, state, x.shape[0], self.weight)
        before = self.initial_state(x.shape[0]) if state is None else state
        frames, held = carry(before.held.to(x.dtype), zero_beyond(x, lengths), lengths)
        if x.shape[0] == 0 or x.shape[1] == 0:
            return x.new_zeros(*x.shape[:2], self.output_size), PlaneState(held)
        # Channels last: a third faster here, and the answer lies as it is returned.
        plane = frames[:, None].contiguous(memory_format=torch.channels_last)
        weight = self.weight.contiguous(memory_format=torch.channels_last)
        y = functional.conv2d(plane, weight, padding=(0, self.reach))
        y = y.permute(0, 2, 3, 1).reshape(*x.shape[:2], self.output_size)
        return zero_beyond(y, lengths), PlaneState(held)

    def extra_repr(self) -> str:
        """Show the sizes."""
        return f"{self.input_size}, {self.filters}, width={self.width}, reach={self.reach}"
