"""Sequences as lines: the valid steps of all rows one after the other, nothing beyond lengths."""

from functools import lru_cache
from typing import Any, NamedTuple

import torch
from jaxtyping import Inexact, Int
from torch import Tensor

from recurra.engines.base import Lengths
from recurra.engines.function import Function
from recurra.engines.native.library import call
from recurra.engines.native.memory import fresh
from recurra.errors import InputError
from recurra.inputs import impure, transformed


class Rows(NamedTuple):
    """Where each row's steps lie among the lines."""

    batch: int
    time: int
    offsets: Int[Tensor, "batch"]
    lengths: Int[Tensor, "batch"]
    valid: Int[Tensor, "lines"] | None  # of the lines within [batch · time]; None: all of them
    step: int = 1  # lines from one step of a row to its next; −1: rows are read from their ends

    @classmethod
    def of(cls, batch: int, time: int, lengths: Lengths) -> "Rows":
        """Return the rows of a batch."""
        if lengths is None:
            return _full(batch, time)
        if lengths.shape != (batch,):
            raise InputError(f"lengths has {list(lengths.shape)} entries for {batch} rows")
        lengths = lengths.long().clamp(min=0, max=time)
        valid = (torch.arange(time) < lengths[:, None]).flatten().nonzero()[:, 0]
        return cls(batch, time, lengths.cumsum(0) - lengths, lengths.contiguous(), valid)

    def pack(self, x: Inexact[Tensor, "batch time n"]) -> Inexact[Tensor, "lines n"]:
        """Return the valid steps."""
        if self.step < 0:
            return x.flatten(0, 1).index_select(0, self._places())
        if self.valid is None:
            return x.flatten(0, 1)
        if not _fits(x):
            return x.flatten(0, 1).index_select(0, self.valid)
        lines: Tensor = _Pack.apply(x, self)
        return lines

    def unpack(self, lines: Inexact[Tensor, "lines n"]) -> Inexact[Tensor, "batch time n"]:
        """Return the steps in their places, with zeros beyond lengths."""
        if self.step < 0:
            zeros = lines.new_zeros(self.batch * self.time, lines.shape[1])
            return zeros.index_copy(0, self._places(), lines).view(self.batch, self.time, -1)
        if self.valid is None:
            return lines.view(self.batch, self.time, lines.shape[1])
        if not _fits(lines):
            zeros = lines.new_zeros(self.batch * self.time, lines.shape[1])
            return zeros.index_copy(0, self.valid, lines).view(self.batch, self.time, -1)
        padded: Tensor = _Unpack.apply(lines, self)
        return padded

    def backward(self) -> "Rows":
        """Return the same lines, read from each row's last step to its first."""
        return self._replace(offsets=self.offsets + self.lengths - 1, step=-1)

    def _places(self) -> Int[Tensor, "lines"]:
        """Return where in [batch · time] each line belongs, where rows are read backward."""
        row = torch.repeat_interleave(self.lengths)
        return row * self.time + self.offsets[row] - torch.arange(len(row))

    def first(self) -> Int[Tensor, "rows"]:
        """Return the first line of each row that has any."""
        return self.offsets if self.valid is None else self.offsets[self.lengths > 0]

    def call(self, function: str, width: int, *arguments: Any) -> None:
        """Call a kernel of the library on these rows."""
        lines = self.batch * self.time if self.valid is None else len(self.valid)
        call(function, lines, self.step, self.offsets, self.lengths, width, *arguments)


@lru_cache(maxsize=256)
def _full(batch: int, time: int) -> Rows:
    with torch.inference_mode(False):  # nor are they to be of whoever asks first
        return Rows(batch, time, torch.arange(batch) * time, torch.full([batch], time), None)


class _Pack(Function):
    """`Rows.pack` in one pass; its backward pass is `_Unpack`, and that one's this."""

    @staticmethod
    def forward(x: Tensor, rows: Rows) -> Tensor:
        assert rows.valid is not None
        lines = fresh(x, len(rows.valid), x.shape[2])
        rows.call("pack", x.shape[2], rows.time, x.contiguous(), lines)
        return lines

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.rows = inputs[1]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return ctx.rows.unpack(grad), None


class _Unpack(Function):
    @staticmethod
    def forward(lines: Tensor, rows: Rows) -> Tensor:
        padded = fresh(lines, rows.batch, rows.time, lines.shape[1])
        rows.call("unpack", lines.shape[1], rows.time, lines.contiguous(), padded)
        return padded

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.rows = inputs[1]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return ctx.rows.pack(grad), None


def _fits(x: Tensor) -> bool:
    fits = x.dtype == torch.float32 and x.is_cpu and x.shape[-1] > 0
    return fits and not transformed() and not impure(x)
