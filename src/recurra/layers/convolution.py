"""Convolution over time that streams: each step sees itself and the steps before it."""

from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from recurra import inputs
from recurra.inputs import Count
from recurra.layers.base import Layer
from recurra.layers.lengths import carry, within, zero_beyond


class ConvolutionState(NamedTuple):
    """The inputs of the last `width` − 1 steps, the oldest first."""

    held: Float[Tensor, "batch context features"]


class LiveNorm(nn.BatchNorm1d):
    """Batch normalisation over the live steps of all rows; padding counts nowhere.

        ŷ = γ (y − m) / √(v + ε) + β

    with m and v the mean and variance of each feature, in training of the batch, in evaluation
    their running means. Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167, algorithm 1. A
    single live step has no variance: it is normalised as in evaluation, and adds nothing.
    """

    def forward(
        self,
        y: Float[Tensor, "batch time features"],
        lengths: Int[Tensor, "batch"] | None = None,
    ) -> Float[Tensor, "batch time features"]:
        """Return y normalised; what lies beyond a row's length is 0."""
        lengths = inputs.sequence("LiveNorm", y, self.num_features, lengths, self.weight)
        steps = y.flatten(0, 1)
        if lengths is None or not self.training:
            return zero_beyond(self._normalised(steps).view_as(y), lengths)
        (live,) = within(lengths.to(y.device), y.shape[1]).flatten().nonzero(as_tuple=True)
        normalised = self._normalised(steps.index_select(0, live))
        # written into zeros of the type that comes out, which autocast may change
        return normalised.new_zeros(steps.shape).index_copy(0, live, normalised).view_as(y)

    def _normalised(self, steps: Float[Tensor, "steps features"]) -> Tensor:
        if self.training and len(steps) > 1:
            return super().forward(steps)
        mean, variance = self.running_mean, self.running_var
        return functional.batch_norm(steps, mean, variance, self.weight, self.bias, eps=self.eps)


class Convolution(Layer):
    """One filter bank over time, rectified, that never looks ahead.

        y_t = ReLU(norm(Σ_{j=0..width−1} W_j x_{t−j}))        x before the first step is 0

    The block of Wang et al. 2017, https://arxiv.org/abs/1611.06455, section II-B, shifted so that a
    step waits for none that follows: so it streams, and no padding reaches a live step. Without the
    norm there is a bias: a time-delay network, Waibel et al. 1989,
    https://doi.org/10.1109/29.21701, section II, with a rectifier.

    Args:
        input_size: features of a step.
        output_size: filters.
        width: steps that a filter spans, its own one included.
        normed: normalised over live steps (`LiveNorm`); else b + Σ.
    Raises:
        ValueError: a size or the width is not positive.
    """

    def __init__(
        self, input_size: int, output_size: int, width: int, *, normed: bool = True
    ) -> None:
        super().__init__()
        for name, size in [("input_size", input_size), ("output_size", output_size)]:
            if size < 1:
                raise ValueError(f"{name} is {size}; a size is at least 1")
        if width < 1:
            raise ValueError(f"width is {width}; a filter spans at least 1 step")
        self.input_size, self.output_size, self.width = input_size, output_size, width
        self.weight = nn.Parameter(torch.empty(output_size, input_size, width))
        self.norm = LiveNorm(output_size) if normed else None
        self.bias = None if normed else nn.Parameter(torch.empty(output_size))
        if self.bias is None:
            nn.init.kaiming_normal_(self.weight)
        else:  # as torch.nn.Conv1d draws them
            bound = (input_size * width) ** -0.5
            nn.init.uniform_(self.weight, -bound, bound)
            nn.init.uniform_(self.bias, -bound, bound)

    def initial_state(self, batch: Count) -> ConvolutionState:
        """Return zeros."""
        return ConvolutionState(self.weight.new_zeros(batch, self.width - 1, self.input_size))

    def forward(
        self,
        x: Float[Tensor, "batch time input"],
        state: Any = None,
        *,
        lengths: Int[Tensor, "batch"] | None = None,
    ) -> tuple[Float[Tensor, "batch time output"], ConvolutionState]:
        """Return the features of each step."""
        lengths = inputs.sequence("Convolution", x, self.input_size, lengths, self.weight)
        if state is not None:
            inputs.state(self, state, x.shape[0], self.weight)
        before = self.initial_state(x.shape[0]) if state is None else state
        frames, held = carry(before.held.to(x.dtype), zero_beyond(x, lengths), lengths)
        if x.shape[0] == 0 or x.shape[1] == 0:
            return x.new_zeros(*x.shape[:2], self.output_size), ConvolutionState(held)
        y = functional.conv1d(frames.transpose(1, 2), self.weight, self.bias).transpose(1, 2)
        if self.norm is not None:  # which leaves zeros beyond
            return torch.relu(self.norm(y, lengths)), ConvolutionState(held)
        return zero_beyond(torch.relu(y), lengths), ConvolutionState(held)

    def extra_repr(self) -> str:
        """Show the sizes and the width."""
        return f"{self.input_size}, {self.output_size}, width={self.width}"
