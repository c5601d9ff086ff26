"""Sequences as lines: the valid steps of all rows one after the other, nothing beyond lengths."""

from typing import Any, NamedTuple

import torch
from jaxtyping import Inexact, Int
from torch import Tensor

from recurra.engines.base import Lengths
from recurra.engines.native.library import call


class Rows(NamedTuple):
    """Where each row's steps lie among the lines."""

    batch: int
    time: int
    offsets: Int[Tensor, "batch"]
    lengths: Int[Tensor, "batch"]
    valid: Int[Tensor, "lines"] | None  # of the lines within [batch · time]; None: all of them

    @classmethod
    def of(cls, batch: int, time: int, lengths: Lengths) -> "Rows":
        """Return the rows of a batch."""
        if lengths is None:
            return cls(batch, time, torch.arange(batch) * time, torch.full([batch], time), None)
        lengths = lengths.long().clamp(min=0)
        valid = (torch.arange(time) < lengths[:, None]).flatten().nonzero()[:, 0]
        return cls(batch, time, lengths.cumsum(0) - lengths, lengths.contiguous(), valid)

    def pack(self, x: Inexact[Tensor, "batch time n"]) -> Inexact[Tensor, "lines n"]:
        """Return the valid steps."""
        lines = x.flatten(0, 1)
        return lines if self.valid is None else lines.index_select(0, self.valid)

    def unpack(self, lines: Inexact[Tensor, "lines n"]) -> Inexact[Tensor, "batch time n"]:
        """Return the steps in their places, with zeros beyond lengths."""
        if self.valid is not None:
            zeros = lines.new_zeros(self.batch * self.time, lines.shape[1])
            lines = zeros.index_copy(0, self.valid, lines)
        return lines.view(self.batch, self.time, lines.shape[1])

    def first(self) -> Int[Tensor, "rows"]:
        """Return the first line of each row that has any."""
        return self.offsets if self.valid is None else self.offsets[self.lengths > 0]

    def call(self, function: str, width: int, *arguments: Any) -> None:
        """Call a kernel of the library on these rows."""
        lines = self.batch * self.time if self.valid is None else len(self.valid)
        call(function, lines, 1, self.offsets, self.lengths, width, *arguments)
