"""A network of recurra's whose recurrent layers are `torch.nn`'s, all else as it is."""

import copy
from typing import Any

from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from recurra.inputs import Count
from recurra.layers import (
    Bidirectional,
    Dropout,
    Layer,
    Recurrent,
    state_from_torch,
    state_to_torch,
    to_torch,
    zero_beyond,
)

WAYS = ("packed", "padded")


class InPlace(Layer):
    """A module of `torch.nn` where a layer was: what one would write instead.

    Args:
        layer: `Recurrent`, or `Bidirectional` of two.
        way: "packed": rows of other lengths as a PackedSequence. "padded": all rows to the end, so
            that a backward direction begins in the padding; outputs there are set to zero.
    Raises:
        TypeError, ValueError: `torch.nn` has no such layer.
    """

    def __init__(self, layer: Recurrent | Bidirectional, way: str) -> None:
        super().__init__()
        self.packed, self.streams = way == "packed", layer.streams
        self.input_size, self.output_size = layer.input_size, layer.output_size
        one = layer if isinstance(layer, Recurrent) else layer.forward_layer
        assert isinstance(one, Recurrent)
        self.weight_drop = one.weight_drop
        like = copy.deepcopy(layer)
        for part in like.modules():
            if isinstance(part, Recurrent):
                part.weight_drop = 0.0
        self.module, self._like = to_torch(like), [like]  # in a list: no part of the network

    def initial_state(self, batch: Count) -> Any:
        """Return the layer's."""
        return self._like[0].initial_state(batch)

    def forward(
        self,
        x: Float[Tensor, "batch time input"],
        state: Any = None,
        *,
        lengths: Int[Tensor, "batch"] | None = None,
    ) -> tuple[Float[Tensor, "batch time output"], Any]:
        """Read as `torch.nn` does; padded, the state is that after the padding."""
        hx = None if state is None else state_to_torch(self._like[0], state)
        short = None if lengths is None or bool((lengths == x.shape[1]).all()) else lengths.cpu()
        given: Any = x
        if self.packed and short is not None:
            given = pack_padded_sequence(x, short, batch_first=True, enforce_sorted=False)
        y, hx = functional_call(self.module, self._dropped(), (given, hx))
        if self.packed and short is not None:
            y = pad_packed_sequence(y, batch_first=True, total_length=x.shape[1])[0]
        elif short is not None:
            y = zero_beyond(y, lengths)
        return y, state_from_torch(self._like[0], hx)

    def _dropped(self) -> dict[str, Tensor]:
        """Return the recurrent weights as weight drop leaves them."""
        if not self.training or not self.weight_drop:
            return {}
        return {
            name: functional.dropout(weight, self.weight_drop)
            for name, weight in self.module.named_parameters()
            if name.startswith("weight_hh")
        }


def in_place(network: nn.Module, way: str) -> nn.Module:
    """Return a copy of a network with `torch.nn`'s layers in place of recurra's.

    Raises:
        TypeError, ValueError: `torch.nn` has no such layer.
    """
    network = copy.deepcopy(network)
    _replace(network, way)
    return network


def _replace(part: nn.Module, way: str) -> None:
    for name, child in part.named_children():
        if isinstance(child, Recurrent | Bidirectional):
            setattr(part, name, InPlace(child, way))
        elif isinstance(child, Dropout):
            setattr(part, name, nn.Dropout(child.p))
        else:
            _replace(child, way)
