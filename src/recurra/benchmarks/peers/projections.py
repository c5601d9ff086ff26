"""A linear cell's matrix products alone, forward and backward: the least that its layer costs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from recurra.benchmarks.contest import Peer
from recurra.benchmarks.job import Entry, Job
from recurra.engines.native import library
from recurra.engines.native.product import linear as own

Linear = Callable[[Tensor, Tensor], Tensor]


class Product(nn.Module):
    """The cell's products one on another, without biases, gates and recurrence."""

    def __init__(self, cell: Any, linear: Linear) -> None:
        super().__init__()
        self.linear = linear
        self.from_input = nn.Parameter(cell.from_input.detach().clone())
        self.to_output = self.gates = None
        if hasattr(cell, "to_output"):  # LRU: C h
            self.to_output = nn.Parameter(cell.to_output.detach().clone())
        if hasattr(cell, "gates"):  # RGLRU: the blocks of Wr and Wi, side by side
            blocks = cell.gates.detach().transpose(0, 1).flatten(1, 2)
            self.gates = nn.Parameter(blocks.transpose(1, 2).contiguous())

    def forward(self, x: Tensor) -> Tensor:
        """Return what comes out last."""
        u = self.linear(x, self.from_input)
        if self.to_output is not None:
            u = self.linear(u[:, : self.to_output.shape[1]], self.to_output)
        if self.gates is not None:
            heads, size, _ = self.gates.shape
            u = torch.bmm(u.view(-1, heads, size).transpose(0, 1), self.gates)
        return u


def products(linear: Linear, job: Job) -> Entry:
    """Return the products, on rows that lie one after the other."""
    module = Product(job.cell, linear)
    x = job.x.detach().flatten(0, 1).requires_grad_()
    grad = torch.randn_like(module(x))
    sources = [x, *module.parameters()]
    return Entry(lambda: torch.autograd.grad(module(x), sources, grad), [])


def peers() -> tuple[Peer, ...]:
    """Return the products by torch and, where the native library is, as recurra multiplies."""
    torchs = Peer("its projections alone", partial(products, nn.functional.linear))
    if library.missing():
        return (torchs,)
    return torchs, Peer("its projections alone, by recurra's choice", partial(products, own))
