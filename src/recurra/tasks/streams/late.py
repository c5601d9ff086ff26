"""A layer that begins some steps late."""

from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from recurra import inputs
from recurra.inputs import Count
from recurra.layers import Layer


class LateState(NamedTuple):
    """How many steps have gone by, `late` at most, and where the layer stands."""

    passed: Int[Tensor, "batch"]
    inner: Any


class Late(Layer):
    """A layer that does not see the first `late` steps, and says zeros of them.

    What stands above a body that lags reads so nothing of what was before the beginning; then
    y_t is what the layer says of the steps so far, as after `aligned`.

    Args:
        layer: one that streams, without a delay.
        late: steps that are left out.
    """

    def __init__(self, layer: Layer, late: int) -> None:
        super().__init__()
        self.layer, self.late = layer, late
        self.input_size, self.output_size = layer.input_size, layer.output_size

    def initial_state(self, batch: Count) -> LateState:
        """Return the layer's initial state, with no step gone by."""
        return LateState(torch.zeros(batch, dtype=torch.int64), self.layer.initial_state(batch))

    def forward(
        self,
        x: Float[Tensor, "batch time input"],
        state: Any = None,
        *,
        lengths: Int[Tensor, "batch"] | None = None,
    ) -> tuple[Float[Tensor, "batch time output"], LateState]:
        """Run the layer step by step, where it has begun."""
        lengths = inputs.sequence("Late", x, self.input_size, lengths)
        passed, inner = self.initial_state(len(x)) if state is None else state
        given = torch.full_like(passed, x.shape[1]) if lengths is None else lengths.to(passed)
        said = []
        for t, frame in enumerate(x.unbind(1)):
            live = given > t
            seen = (live & (passed >= self.late)).to(torch.int64)
            y, inner = self.layer(frame[:, None], inner, lengths=seen)
            said.append(y)
            passed = (passed + live).clamp(max=self.late)
        whole = torch.cat(said, 1) if said else x.new_zeros(*x.shape[:2], self.output_size)
        return whole, LateState(passed, inner)
