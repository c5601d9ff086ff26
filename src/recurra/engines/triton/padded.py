"""Sequences as lines: all steps of all rows one after the other, those beyond lengths too."""

from typing import NamedTuple

import torch
from jaxtyping import Shaped
from torch import Tensor

from recurra.engines.base import Lengths


class Padded(NamedTuple):
    """How many rows and steps there are, and which of them are valid.

    To pack valid steps only, one would have to wait for the device to know how many there are.
    """

    batch: int
    time: int
    lengths: Lengths

    def pack(self, x: Shaped[Tensor, "batch time n"]) -> Shaped[Tensor, "lines n"]:
        """Return all steps."""
        return x.flatten(0, 1)

    def view(self, lines: Shaped[Tensor, "lines n"]) -> Shaped[Tensor, "batch time n"]:
        """Return the steps in their places."""
        return lines.view(self.batch, self.time, lines.shape[1])

    def unpack(self, lines: Shaped[Tensor, "lines n"]) -> Shaped[Tensor, "batch time n"]:
        """Return the steps in their places, with zeros beyond lengths."""
        steps = self.view(lines)
        if self.lengths is None:
            return steps
        beyond = torch.arange(self.time, device=lines.device) >= self.lengths[:, None]
        return steps.masked_fill(beyond[..., None], 0)
