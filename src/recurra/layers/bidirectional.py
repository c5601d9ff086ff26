"""A sequence read in both directions."""

from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from recurra import inputs
from recurra.cells.base import Cell
from recurra.engines.base import traced
from recurra.engines.both import both_ways
from recurra.engines.hooks import observed
from recurra.inputs import Count
from recurra.layers.base import Layer
from recurra.layers.lengths import reverse
from recurra.layers.recurrent import Recurrent, as_layer


class BidirectionalState(NamedTuple):
    """Where the two directions stand: one after the last step, the other after the first."""

    forward: Any
    backward: Any


class Bidirectional(Layer):
    """Two layers, one from the start of a sequence and one from its end; outputs side by side.

        y_t = [forward(x)_t ; backward(x reversed)_{n−1−t}]      n: the row's length

    Schuster and Paliwal 1997, https://doi.org/10.1109/78.650093, section III.
    A row is reversed within its own length, so the backward layer begins at its last real frame,
    and padding leads in neither direction.

    It does not stream (`streams` is False): the backward layer begins where the sequence ends, so
    the very first output waits for the whole input. A state passed in is where each direction
    begins, the backward one at the end. For right context in a stream use `LookAhead`.

    Args:
        forward: the layer that reads from the start; a cell stands for `Recurrent(cell)`.
        backward: the layer that reads from the end.
    Raises:
        ValueError: the two take inputs of different sizes, or one lags behind its input.
        TypeError: a part is neither a layer nor a cell.
    """

    streams = False

    def __init__(self, forward: Layer | Cell[Any], backward: Layer | Cell[Any]) -> None:
        super().__init__()
        self.forward_layer, self.backward_layer = as_layer(forward), as_layer(backward)
        ahead, back = self.forward_layer, self.backward_layer
        if ahead.input_size != back.input_size:
            raise ValueError(
                f"the forward layer takes {ahead.input_size} features and the backward layer "
                f"{back.input_size}; both read the same input"
            )
        if ahead.delay or back.delay:
            raise ValueError(
                f"a layer inside Bidirectional lags by {max(ahead.delay, back.delay)} steps, and "
                "its outputs would answer other steps than the other direction's; "
                "put LookAhead before or after Bidirectional"
            )
        self.input_size = ahead.input_size
        self.output_size = ahead.output_size + back.output_size

    def initial_state(self, batch: Count) -> BidirectionalState:
        """Return both layers' initial states."""
        return BidirectionalState(
            self.forward_layer.initial_state(batch), self.backward_layer.initial_state(batch)
        )

    def forward(
        self,
        x: Float[Tensor, "batch time input"],
        state: Any = None,
        *,
        lengths: Int[Tensor, "batch"] | None = None,
    ) -> tuple[Float[Tensor, "batch time output"], BidirectionalState]:
        """Read in both directions."""
        lengths = inputs.sequence("Bidirectional", x, self.input_size, lengths)
        if state is not None:
            inputs.fields("Bidirectional", "the state", state, BidirectionalState)
        before = self.initial_state(x.shape[0]) if state is None else state
        if (both := self._at_once(x, before, lengths)) is not None:
            y, forward, backward = both
            return y, BidirectionalState(forward, backward)
        ahead, forward = self.forward_layer(x, before.forward, lengths=lengths)
        back, backward = self.backward_layer(reverse(x, lengths), before.backward, lengths=lengths)
        y = torch.cat([ahead, reverse(back, lengths)], dim=-1)
        return y, BidirectionalState(forward, backward)

    def _at_once(
        self, x: Tensor, before: BidirectionalState, lengths: Tensor | None
    ) -> tuple[Tensor, Any, Any] | None:
        """Return what both layers say, where they are cells that one engine reads both ways."""
        ahead, back = self.forward_layer, self.backward_layer
        if traced() or type(ahead) is not Recurrent or type(back) is not Recurrent:
            return None
        if ahead.engine != back.engine or any(map(_more_than_its_cell, (ahead, back))):
            return None
        return both_ways(ahead.cell, back.cell, x, before, lengths, ahead.engine)


def _more_than_its_cell(layer: Recurrent) -> bool:
    """Return whether a call of the layer does other things than unroll its cell."""
    dropped = layer.training and layer.weight_drop > 0
    chunked = bool(layer.checkpoint_every or layer.clip_state)
    return dropped or chunked or observed(layer)
