"""torch.nn's kernels on our weights, beyond the laws: lengths, refusals, modes."""

from typing import Any

import pytest
import torch
from torch.func import functional_call

from recurra import tree
from recurra.cells import GRU, LRU, LSTM, Cell, Elman
from recurra.engines import choose, unroll, vendor
from recurra.errors import EngineRefused
from recurra.layers import Recurrent

CELLS = {
    "LSTM": lambda: LSTM(5, 17),
    "GRU": lambda: GRU(5, 17),
    "Elman-tanh": lambda: Elman(5, 17),
    "Elman-relu": lambda: Elman(5, 17, nonlinearity="relu"),
}


@pytest.fixture(params=CELLS)
def cell(request: pytest.FixtureRequest) -> Cell[Any]:
    torch.manual_seed(0)
    return CELLS[request.param]().double()


def test_lengths_with_gradients(cell: Cell[Any]) -> None:
    x = torch.randn(4, 40, 5).double()
    x[2, 11:] = torch.nan
    lengths = torch.tensor([40, 0, 11, 1])
    state = tree.map(torch.randn_like, cell.initial_state(4))
    sources = [*tree.leaves(tree.map(lambda leaf: leaf.requires_grad_(), state))]
    sources += [x.requires_grad_(), *cell.parameters()]
    results = {}
    for engine in ("loop", "vendor"):
        y, last = unroll(cell, x, state, lengths=lengths, engine=engine)
        loss = y.sin().sum() + sum(leaf.cos().sum() for leaf in tree.leaves(last))
        results[engine] = [y, *tree.leaves(last), *torch.autograd.grad(loss, sources)]
    for got, want in zip(results["vendor"], results["loop"], strict=True):
        torch.testing.assert_close(got, want, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
def test_the_memory_of_a_finished_row_is_frozen_to_the_bit(dtype: torch.dtype) -> None:
    cell, x = LSTM(3, 8).to(dtype), 100 * torch.randn(2, 50, 3).to(dtype)
    state = tree.map(lambda leaf: torch.randn_like(leaf) * 10, cell.initial_state(2))
    _, last = unroll(cell, x, state, lengths=torch.tensor([0, 50]), engine="vendor")
    assert torch.equal(last.c[0], state.c[0])
    assert torch.equal(last.h[0], state.h[0])


def test_evaluation_mode_has_gradients(cell: Cell[Any]) -> None:
    y, _ = unroll(cell.eval(), torch.randn(1, 5, 5).double(), engine="vendor")
    assert all(grad.any() for grad in torch.autograd.grad(y.sum(), list(cell.parameters())))


def test_replaced_weights_are_used(cell: Cell[Any]) -> None:
    weights = {f"cell.{name}": 2 * value for name, value in cell.named_parameters()}
    x = torch.randn(2, 6, 5).double()
    got, want = (
        functional_call(Recurrent(cell, engine=engine), weights, (x,))[0]
        for engine in ("vendor", "loop")
    )
    torch.testing.assert_close(got, want)


@pytest.mark.parametrize("kind", [LSTM, GRU, Elman])
def test_inference_mode_and_autocast_keep_the_dtype(kind: Any) -> None:
    cell, x = kind(3, 4), torch.randn(2, 6, 3)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        if reason := vendor.refuse(cell, x):
            pytest.skip(reason)
        y, state = unroll(cell, x, lengths=torch.tensor([6, 2]), engine="vendor")
    assert {y.dtype, *(leaf.dtype for leaf in state)} == {torch.float32}


def test_refuses_the_lstm_under_autocast_on_a_cpu_without_bfloat16(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cell, x = LSTM(3, 5), torch.randn(2, 9, 3)
    monkeypatch.setattr(vendor, "_has_bfloat16", lambda: False)
    with torch.autocast("cpu", torch.bfloat16):
        with pytest.raises(EngineRefused, match="no bfloat16 for oneDNN's LSTM; leave autocast"):
            unroll(cell, x, engine="vendor")
        y, _ = unroll(cell, x)
    torch.testing.assert_close(y, unroll(cell, x)[0], rtol=0, atol=3e-2)


class Peephole(LSTM):
    """May differ from LSTM anywhere."""


def test_it_refuses_what_it_does_not_know() -> None:
    x = torch.zeros(1, 4, 3)
    with pytest.raises(EngineRefused, match=r"Peephole derives from LSTM, and torch.nn knows that"):
        choose(Peephole(3, 4), x, "vendor")
    with pytest.raises(EngineRefused, match=r"torch.nn has no kernel for LRU"):
        choose(LRU(3, 4), x, "vendor")
    with pytest.raises(EngineRefused, match="the input is on meta"):
        choose(LSTM(3, 4), x.to("meta"), "vendor")
    with pytest.raises(EngineRefused, match=r"the input is torch.complex64"):
        choose(LSTM(3, 4), x.to(torch.complex64), "vendor")


def test_refuses_float16_on_a_cpu() -> None:
    cell, x = LSTM(3, 5), torch.randn(2, 9, 3)
    with torch.autocast("cpu", torch.float16), torch.no_grad():
        with pytest.raises(EngineRefused, match="no float16; use autocast to bfloat16"):
            unroll(cell, x, engine="vendor")
        y, _ = unroll(cell, x)
    torch.testing.assert_close(y, unroll(cell, x)[0], rtol=0, atol=1e-2)
