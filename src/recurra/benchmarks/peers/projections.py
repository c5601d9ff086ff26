"""A linear cell's matrix products alone, forward and backward: the least that its layer costs."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from recurra.benchmarks.contest import Peer
from recurra.benchmarks.job import Entry, Job


class Product(nn.Module):
    """The cell's products one on another, without biases, gates and recurrence."""

    def __init__(self, cell: Any) -> None:
        super().__init__()
        self.from_input = nn.Parameter(cell.from_input.detach().clone())
        self.to_output = self.gates = None
        if hasattr(cell, "to_output"):  # LRU: C h
            self.to_output = nn.Parameter(cell.to_output.detach().clone())
        if hasattr(cell, "gates"):  # RGLRU: the blocks of Wr and Wi, side by side
            blocks = cell.gates.detach().transpose(0, 1).flatten(1, 2)
            self.gates = nn.Parameter(blocks.transpose(1, 2).contiguous())

    def forward(self, x: Tensor) -> Tensor:
        """Return what comes out last."""
        u = nn.functional.linear(x, self.from_input)
        if self.to_output is not None:
            u = nn.functional.linear(u[:, : self.to_output.shape[1]], self.to_output)
        if self.gates is not None:
            heads, size, _ = self.gates.shape
            u = torch.bmm(u.view(-1, heads, size).transpose(0, 1), self.gates)
        return u


def products(job: Job) -> Entry:
    """Return the products, on rows that lie one after the other."""
    module = Product(job.cell)
    x = job.x.detach().flatten(0, 1).requires_grad_()
    grad = torch.randn_like(module(x))
    sources = [x, *module.parameters()]
    return Entry(lambda: torch.autograd.grad(module(x), sources, grad), [])


PRODUCTS = Peer("its projections alone", products)
