"""Layers that read the same input, their outputs side by side."""

from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from recurra import inputs
from recurra.cells.base import Cell
from recurra.inputs import Count
from recurra.layers.base import Layer
from recurra.layers.lengths import carry, zero_beyond
from recurra.layers.recurrent import as_layer


class BesideState(NamedTuple):
    """Where the layers stand, and the outputs of each that wait for the slowest."""

    states: tuple[Any, ...]
    waiting: tuple[Float[Tensor, "batch context features"], ...]


class Beside(Layer):
    """Layers on one input, side by side.

        y_t = [layer_1(x)_t ; layer_2(x)_t ; …]

    So stand the recurrent and the convolutional part of LSTM-FCN, Karim et al. 2018,
    https://arxiv.org/abs/1709.05206, figure 1. Where layers lag by different numbers of steps, the
    others wait for the slowest.

    Args:
        layers: one or more; a cell stands for `Recurrent(cell)`.
    Raises:
        ValueError: there is no layer, or they take inputs of different sizes.
        TypeError: a part is neither a layer nor a cell.
    """

    def __init__(self, *layers: Layer | Cell[Any]) -> None:
        super().__init__()
        if not layers:
            raise ValueError("Beside got no layers; give at least one")
        parts = [as_layer(layer) for layer in layers]
        sizes = {part.input_size for part in parts}
        if len(sizes) > 1:
            listed = ", ".join(str(part.input_size) for part in parts)
            raise ValueError(f"the layers take {listed} features; side by side they read the same")
        self.layers = nn.ModuleList(parts)
        self.input_size = sizes.pop()
        self.output_size = sum(part.output_size for part in parts)
        self.delay = max(part.delay for part in parts)
        self.streams = all(part.streams for part in parts)

    def initial_state(self, batch: Count) -> BesideState:
        """Return the layers' initial states; nothing but zeros waits."""
        parts, like = self._parts(), next(self.parameters())
        waiting = [
            like.new_zeros(batch, self.delay - part.delay, part.output_size) for part in parts
        ]
        return BesideState(tuple(part.initial_state(batch) for part in parts), tuple(waiting))

    def forward(
        self,
        x: Float[Tensor, "batch time input"],
        state: Any = None,
        *,
        lengths: Int[Tensor, "batch"] | None = None,
    ) -> tuple[Float[Tensor, "batch time output"], BesideState]:
        """Run each layer."""
        lengths = inputs.sequence("Beside", x, self.input_size, lengths)
        if state is not None:
            inputs.state(self, state, x.shape[0], next(self.parameters()))
        before = self.initial_state(x.shape[0]) if state is None else state
        outputs, afters, waiting = [], [], []
        for part, own, held in zip(self._parts(), before.states, before.waiting, strict=True):
            y, after = part(x, own, lengths=lengths)
            frames, late = carry(held.to(y.dtype), y, lengths)
            outputs.append(frames[:, : x.shape[1]])
            afters.append(after)
            waiting.append(late)
        y = zero_beyond(torch.cat(outputs, dim=-1), lengths)
        return y, BesideState(tuple(afters), tuple(waiting))

    def _parts(self) -> list[Layer]:
        return [layer for layer in self.layers if isinstance(layer, Layer)]
