"""Law 2 where numbers are large: a kernel is finite wherever the definition is."""

from typing import Any

import pytest
import torch
from torch import Tensor

from recurra import tree
from recurra.cells import CELLS
from recurra.cells.base import Cell
from recurra.engines import unroll
from recurra.errors import EngineRefused

SCALES = [1e2, 1e4, 1e6, 1e7, 1e8, 1e10, 1e12]


def numbers(cell: Cell[Any], x: Tensor, engine: str) -> list[Tensor]:
    x = x.clone().requires_grad_()
    y, state = unroll(cell, x, engine=engine)
    total = y.sum() + sum(leaf.sum() for leaf in tree.leaves(state))
    assert isinstance(total, Tensor)
    return [y, *tree.leaves(state), *torch.autograd.grad(total, [x, *cell.parameters()])]


@pytest.mark.parametrize(
    "engine", ["native", "scan", "vendor", pytest.param("triton", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("kind", CELLS, ids=lambda kind: kind.__name__)
def test_finite_where_the_definition_is(kind: type[Cell[Any]], engine: str) -> None:
    for seed, scale in enumerate(SCALES):
        for time in (1, 5, 70):
            torch.manual_seed(seed)
            cell, x = kind(3, 20), torch.randn(3, time, 3) * scale
            if seed % 2:
                x[:, ::2] = 0
            try:
                got = numbers(cell, x, engine)
            except EngineRefused as refused:
                pytest.skip(str(refused))
            wanted = numbers(cell, x, "loop")
            for mine, theirs in zip(got, wanted, strict=True):
                assert mine[theirs.isfinite()].isfinite().all(), (scale, time)
            finite = wanted[0].isfinite()
            largest = wanted[0][finite].abs().max().item()
            torch.testing.assert_close(
                got[0][finite], wanted[0][finite], rtol=1e-3, atol=1e-4 * largest
            )
