"""Cells with a matrix between states on Triton's kernels, cut into programs in every way."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from recurra import tree
from recurra.cells import GRU, LSTM, SLSTM, Cell, Elman, IndRNN
from recurra.engines import unroll
from recurra.testing.measure import close, everything, prepared
from tests.engines.triton.meeting import AtOnce

pytest.importorskip("triton", reason="Triton is for Linux")

from recurra.engines.triton import launch, recurrent
from recurra.engines.triton.plan import Plan

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
CELLS = {
    "tanh": lambda: Elman(3, 20),
    "relu": lambda: Elman(3, 20, nonlinearity="relu"),
    "LSTM": lambda: LSTM(3, 20),
    "GRU": lambda: GRU(3, 20),
    "SLSTM": lambda: SLSTM(3, 36, heads=2),
    "SLSTM-exp": lambda: SLSTM(3, 19, heads=1, forget="exp"),
}
# one launch for each step, where U is read anew, or held in parts; one launch for all, in which a
# program has all columns of two rows, and all rows in turn; one in which programs meet
WAYS: dict[str, dict[str, Any]] = {
    "step": {"columns": 16, "depth": 16, "persistent": False, "resident": False},
    "parts": {"columns": 16, "depth": 16, "persistent": False, "resident": True},
    "rows": {"columns": 32, "depth": 32, "persistent": True, "resident": True, "teams": 1},
    "meet": {"columns": 16, "depth": 32, "persistent": True, "resident": True},
}
LENGTHS = torch.tensor([3, 0, 2], device=DEVICE)


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Cut every launch in this way, in teams of two rows."""

    def cut(way: str) -> None:
        how = {"rows": 16, "share": 2, "warps": 4} | WAYS[way]

        def plan(batch: int, heads: int, size: int, depth: int, *_: int) -> Plan:
            parts = -(-depth // how["depth"]) if how["resident"] else 1
            return Plan(
                **{"teams": -(-batch // 2)} | how,
                members=-(-size // how["columns"]),
                split=1 << (parts - 1).bit_length(),
            )

        monkeypatch.setattr(launch, "plan", plan)
        if way == "meet" and DEVICE == "cpu":
            for name in ("forward", "backward"):
                monkeypatch.setattr(recurrent, name, AtOnce(getattr(recurrent, name)))

    return cut


def agrees(
    cell: Cell[Any],
    time: int,
    lengths: Tensor | None = None,
    batch: int = 3,
    dtype: torch.dtype = torch.float32,
) -> None:
    """Compare outputs, states and all gradients with those of `loop`."""
    with prepared(cell, dtype) as (cell, _, state):
        cell, state = cell.to(DEVICE), tree.map(lambda leaf: leaf[:batch].to(DEVICE), state)
        x = torch.randn(batch, time, 3, device=DEVICE).to(dtype)
        if lengths is not None:
            beyond = torch.arange(time, device=DEVICE) >= lengths[:, None]
            x = x.masked_fill(beyond[..., None], torch.nan)
        got, want = (
            everything(cell, x, state, lengths, engine, slice(batch))
            for engine in ("triton", "loop")
        )
        for name, expected in want.items():
            close(name, got[name], expected, dtype)


@pytest.mark.parametrize("name", CELLS)
def test_programs_share_columns_and_rows(name: str, cut: Callable[[str], None]) -> None:
    cut("step")
    agrees(CELLS[name](), 3, LENGTHS)


@pytest.mark.parametrize(
    ("way", "name"),
    [("parts", "LSTM"), ("rows", "SLSTM"), ("rows", "GRU"), ("meet", "LSTM"), ("meet", "tanh")],
)
def test_every_cut_is_the_same(way: str, name: str, cut: Callable[[str], None]) -> None:
    cut(way)
    agrees(CELLS[name](), 3, LENGTHS)


@pytest.mark.parametrize("name", CELLS)
def test_one_row_one_step(name: str) -> None:
    agrees(CELLS[name](), 1, batch=1)


def test_units_of_their_own() -> None:
    """More columns than a program has, more steps than are added up at once; |u| at its bound."""
    torch.manual_seed(0)
    cell = IndRNN(3, 70, time_scale=70.0)
    with torch.no_grad():
        cell.from_state[:5] = torch.tensor([1.5, -1.5, 1.0, -1.0, 0.0])
    agrees(cell, 70, torch.tensor([70, 0, 66], device=DEVICE))
    agrees(cell, 1, batch=1)


@pytest.mark.parametrize("name", ["relu", "GRU", "LSTM", "SLSTM"])
def test_gradients_in_16_bits(name: str) -> None:
    agrees(CELLS[name](), 2, batch=2, dtype=torch.float16)


@pytest.mark.parametrize("cast", [False, True], ids=["weights", "autocast"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("kind", [Elman, LSTM])
def test_16_bits_round_inputs_and_outputs_alone(
    kind: type[Cell[Any]], dtype: torch.dtype, cast: bool
) -> None:
    """Outputs are off by no more than what roundings of W x and of h can do, step by step."""
    torch.manual_seed(0)
    cell, x = kind(3, 20).to(DEVICE), torch.randn(2, 5, 3, device=DEVICE)
    if cast:
        with torch.autocast(DEVICE, dtype):
            y, last = unroll(cell, x, engine="triton")
        assert not torch.equal(y, unroll(cell, x, engine="triton")[0])  # it is heard
        assert {y.dtype, *(leaf.dtype for leaf in last)} == {torch.float32}
    else:
        cell, x = cell.to(dtype), x.to(dtype)
        y, last = unroll(cell, x, engine="triton")
    exact = unroll(cell.double(), x.double(), engine="loop")[0]
    off = (y.double() - exact).abs()
    allowed = bounds(cell, x.double(), torch.finfo(dtype).eps / 2, cast)
    assert (off <= allowed).all()
    # the first step has few roundings; later ones may add up, and do so less than they may
    assert allowed[:, 0].max() < 4 * torch.finfo(dtype).eps


def bounds(cell: Any, x: Tensor, r: float, cast: bool) -> Tensor:
    """Return how far each output may be off, where a rounding changes a number by r of it."""
    W, U, b = cell.from_input, cell.from_state, cell.bias
    h = c = of_h = of_c = x.new_zeros(len(x), cell.hidden_size)
    found = []
    for now in x.unbind(1):
        a, float32 = now @ W.T + b + h @ U.T, 1e-6
        of_a = r * (now @ W.T).abs() + of_h @ U.abs().T + float32
        if cast:  # x, W, h and U are rounded too
            of_a = of_a + 3 * r * now.abs() @ W.abs().T + 3 * r * (h.abs() + of_h) @ U.abs().T
        if isinstance(cell, Elman):  # tanh has no slope above 1
            h, of_h = torch.tanh(a), of_a
        else:  # and σ none above 1/4
            i, f, g, o = a.chunk(4, 1)
            i, f, g, o = torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)
            of_i, of_f, of_g, of_o = of_a.chunk(4, 1)
            of_c = (f + of_f / 4) * of_c + c.abs() * of_f / 4 + (g.abs() + of_g) * of_i / 4
            of_c = of_c + i * of_g + float32
            c = f * c + i * g
            h, of_h = o * torch.tanh(c), (o + of_o / 4) * of_c + torch.tanh(c).abs() * of_o / 4
        if not cast:  # y is in 16 bits
            of_h = of_h + r * (h.abs() + of_h)
        found.append(of_h + float32)
    return torch.stack(found, 1).detach()


def test_gradients_under_autocast_are_those_of_the_weights() -> None:
    torch.manual_seed(0)
    for kind in (SLSTM, IndRNN):
        cell, x = kind(3, 6).to(DEVICE), torch.randn(2, 3, 3, device=DEVICE)
        found = []
        for engine in ("triton", "loop"):
            with torch.autocast(DEVICE, torch.bfloat16):
                y, _ = unroll(cell, x, engine=engine)
            found.append(torch.autograd.grad(y.sum(), list(cell.parameters())))
        for got, want in zip(*found, strict=True):
            close(kind.__name__, got, want, torch.float32, slack=0.05 * want.abs().max().item())


def test_backward_twice_is_the_same_twice() -> None:
    """What is overwritten in a pass is kept where there will be another one."""
    torch.manual_seed(0)
    cell, x = LSTM(3, 4).to(DEVICE), torch.randn(2, 3, 3, device=DEVICE)
    total = unroll(cell, x, engine="triton")[0].square().sum()
    first, second = (
        torch.autograd.grad(total, list(cell.parameters()), retain_graph=again)
        for again in (True, False)
    )
    assert all(torch.equal(*pair) for pair in zip(first, second, strict=True))
