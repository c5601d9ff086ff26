"""Every feature on a scale that was fitted before."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from recurra import inputs
from recurra.errors import InputError
from recurra.inputs import Count
from recurra.layers.base import Layer
from recurra.layers.lengths import zero_beyond


class FixedScale(Layer):
    """Each feature less a mean, by a deviation.

        y_t = (x_t − m) / s

    m and s are those of a training part, the same for every sequence: what is heard now does not
    depend on what comes later, so that a stream is the whole. Nothing is learned, and there is no
    state.

    Args:
        mean: m of each feature.
        deviation: s of each feature, positive.
    Raises:
        ValueError: there are no features, not as many of both, or a number is not finite or a
            deviation not positive.
    """

    def __init__(self, mean: Sequence[float], deviation: Sequence[float]) -> None:
        super().__init__()
        middle, size = torch.tensor(mean), torch.tensor(deviation)
        if len(mean) != len(deviation) or not mean:
            raise InputError(
                f"mean has {len(mean)} numbers, deviation {len(deviation)}; FixedScale takes one "
                "of each for a feature"
            )
        real = [*mean, *deviation]
        if not all(abs(number) < float("inf") for number in real) or min(deviation) <= 0:
            raise InputError("mean and deviation are finite numbers, deviation above 0")
        self.input_size = self.output_size = len(mean)
        self.register_buffer("mean", middle.float(), persistent=False)
        self.register_buffer("deviation", size.float(), persistent=False)
        self.mean: Tensor
        self.deviation: Tensor

    def initial_state(self, batch: Count) -> tuple[()]:
        """Return nothing."""
        return ()

    def forward(
        self,
        x: Float[Tensor, "batch time features"],
        state: Any = None,
        *,
        lengths: Int[Tensor, "batch"] | None = None,
    ) -> tuple[Float[Tensor, "batch time features"], tuple[()]]:
        """Return x on the scale; zeros beyond lengths."""
        lengths = inputs.sequence("FixedScale", x, self.input_size, lengths, self.mean)
        if state is not None:
            inputs.parts("FixedScale", state, 0)
        y = (zero_beyond(x, lengths) - self.mean) / self.deviation
        return zero_beyond(y.to(x.dtype), lengths), ()

    def extra_repr(self) -> str:
        """Show the size."""
        return f"{self.input_size}"
