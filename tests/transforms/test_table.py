"""Torch's own tools on every cell, under every engine; what works is what the page says."""

import warnings

import pytest
import torch

from recurra.cells import GRU, LSTM, MinGRU
from recurra.engines import unroll
from recurra.errors import RecurraError
from recurra.layers import Recurrent
from tests.transforms.page import line, written
from tests.transforms.table import kinds, outcome
from tests.transforms.tools import MAKES_GRAPHS, TOOLS

pytestmark = pytest.mark.filterwarnings("ignore")
TRACED = pytest.mark.unchecked("a size is a tensor there")
QUICK = [tool for tool in TOOLS if tool not in MAKES_GRAPHS]


@pytest.mark.parametrize(
    "tool", [pytest.param(tool, marks=[TRACED] if "jit" in tool else []) for tool in QUICK]
)
def test_numbers_of_loop_or_a_reason(tool: str) -> None:
    assert line(tool)[0] == written(tool)


@pytest.mark.slow
@pytest.mark.parametrize("tool", MAKES_GRAPHS)
def test_graphs_give_the_numbers_of_loop(tool: str) -> None:
    assert line(tool)[0] == written(tool)


@pytest.mark.unchecked("a graph would hold the checks too")
@pytest.mark.parametrize(
    "tool",
    [
        "torch.export, any batch",
        "torch.export, any batch and time",
        "torch.compile(fullgraph=True)",
    ],
)
@pytest.mark.parametrize("kind", [LSTM, MinGRU], ids=lambda kind: kind.__name__)
def test_some_graphs(tool: str, kind: type) -> None:
    assert outcome(tool, kind, None).works


def test_automatic_is_refused_nothing() -> None:
    for tool in TOOLS:
        assert written(tool).split("|")[2].strip() == "✓", tool


def test_every_cell_is_tried() -> None:
    assert len(kinds()) == 10


def test_backward_hooks_of_a_cell_are_refused() -> None:
    layer = Recurrent(GRU(2, 3))
    layer.cell.register_full_backward_hook(lambda *given: None)
    with pytest.raises(RecurraError, match="backward hooks, which no engine runs"):
        layer(torch.zeros(1, 4, 2))


def test_gradients_are_never_zeros_unsaid() -> None:
    x = torch.randn(2, 6, 3)
    for kind in kinds().values():
        cell = kind(3, 4)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            _, pull = torch.func.vjp(lambda x, cell=cell: unroll(cell, x)[0], x)
            (got,) = pull(torch.ones(2, 6, 4))
        x_ = x.clone().requires_grad_()
        unroll(cell, x_)[0].sum().backward()
        torch.testing.assert_close(got, x_.grad, rtol=1e-4, atol=1e-5)
        assert got.abs().max() > 0
