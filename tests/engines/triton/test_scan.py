"""Scans in Triton: chunks and their borders, poisoned memory, gradients, 16 bits."""

from typing import Any

import pytest
import torch
from torch import Tensor

from recurra import tree
from recurra.cells import LRU, RGLRU, Affine, Cell, LinearCell, MinGRU, MinLSTM
from recurra.engines import unroll
from recurra.engines.triton import missing
from recurra.testing.measure import everything
from tests.laws import test_large_numbers as large

PLACE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
if reason := missing(PLACE):
    pytest.skip(reason, allow_module_level=True)

from recurra.engines.triton import scan  # noqa: E402, it imports Triton

# a cell for each kernel; those that derive go by way of their transition
OWN = [type(f"Own{kind.__name__}", (kind,), {}) for kind in (MinGRU, LRU)]
KINDS = [MinGRU, MinLSTM, LRU, RGLRU, *OWN]


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take chunks of 8 steps, or 4, of 16 columns."""
    torch.manual_seed(0)
    for name, value in (("WARPS", 1), ("LANES", 16), ("ROWS", 8)):
        monkeypatch.setattr(scan, name, value)


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let new memory hold NaN."""

    def filled(make: Any) -> Any:
        def fresh(*sizes: Any, **options: Any) -> Tensor:
            new = make(*sizes, **options)
            return new.fill_(torch.nan) if new.is_floating_point() else new

        return fresh

    for owner, name in ((torch, "empty_like"), (Tensor, "new_empty")):
        monkeypatch.setattr(owner, name, filled(getattr(owner, name)))


def given(kind: Any, batch: int, time: int, width: int = 5) -> tuple[Cell[Any], Tensor, Any]:
    cell = kind(3, width).to(PLACE)
    state = tree.map(torch.randn_like, cell.initial_state(batch))
    return cell, torch.randn(batch, time, 3, device=PLACE), state


def compare(cell: Cell[Any], x: Tensor, state: Any, lengths: Tensor | None) -> None:
    wanted = everything(cell, x, state, lengths, "loop", slice(0, len(x)))
    got = everything(cell, x, state, lengths, "triton", slice(0, len(x)))
    for name, numbers in got.items():
        torch.testing.assert_close(numbers, wanted[name], rtol=1e-4, atol=1e-5, msg=name)


@pytest.mark.usefixtures("poisoned")
@pytest.mark.parametrize("time", [1, 7, 8, 9, 24])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_borders_of_chunks(kind: Any, time: int) -> None:
    cell, x, state = given(kind, 2, time)
    compare(cell, x, state, None)


@pytest.mark.usefixtures("poisoned")
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_whole_chunks_and_columns(kind: Any) -> None:
    cell, x, state = given(kind, 2, 16, 8)
    compare(cell, x, state, None)


@pytest.mark.usefixtures("poisoned")
@pytest.mark.parametrize(
    ("time", "width", "lengths"),
    # the last are whole chunks and columns, but for the lengths
    [(17, 4, [17, 8, 0]), (17, 4, [9, 1, 16]), (16, 16, [3, 16, 8])],
)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_lengths_within_at_and_beyond_chunks(
    kind: Any, time: int, width: int, lengths: list[int]
) -> None:
    cell, x, state = given(kind, 3, time, width)
    compare(cell, x, state, torch.tensor(lengths, device=PLACE))


def test_padding_may_be_anything() -> None:
    cell, x, state = given(MinGRU, 2, 9)
    lengths = torch.tensor([9, 4], device=PLACE)
    wanted = everything(cell, x, state, lengths, "triton", slice(0, 2))
    x[1, 4:] = torch.nan
    for name, numbers in everything(cell, x, state, lengths, "triton", slice(0, 2)).items():
        assert torch.equal(numbers, wanted[name]), name


class Given(LinearCell[Any]):
    """h ← decay h + inject, where the input is decay and inject."""

    def __init__(self, width: int) -> None:
        super().__init__(2 * width, width)
        self.scale = torch.nn.Parameter(torch.ones(()))

    def initial_state(self, batch: int) -> Any:
        from recurra.cells.mingru import MinGRUState

        return MinGRUState(self.zeros(batch, self.hidden_size))

    def transition(self, u: Tensor) -> Affine:
        return Affine(*u.chunk(2, dim=-1))

    def read(self, u: Tensor, state: Any) -> Tensor:
        return state.h


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_what_is_carried_is_not_rounded(dtype: torch.dtype) -> None:
    """A sum of 40 equal numbers of 16 bits: exact in 32, and then rounded once."""
    cell = Given(3).to(PLACE, dtype)
    x = torch.full((1, 40, 6), 1.0, dtype=dtype, device=PLACE)
    x[..., 3:] = 1 / 256
    state = cell.initial_state(1)._replace(h=torch.full((1, 3), 256.0, dtype=dtype, device=PLACE))
    y, last = unroll(cell, x, state, engine="triton")
    exact = (256 + torch.arange(1, 41) / 256).to(dtype)[None, :, None].expand(1, 40, 3)
    assert torch.equal(y.cpu(), exact)
    assert torch.equal(last.h.cpu(), exact[:, -1])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("kind", [MinGRU, MinLSTM, LRU, RGLRU], ids=lambda kind: kind.__name__)
def test_autocast_is_that_of_loop(kind: Any, dtype: torch.dtype) -> None:
    """Products in 16 bits, all else in 32: a result is off by a few roundings of 16 bits."""
    cell, x, state = given(kind, 2, 9)
    exact = everything(cell, x, state, None, "loop", slice(0, 2))
    with torch.autocast(PLACE.type, dtype):
        y, last = unroll(cell, x, state, engine="triton")
        like, end = unroll(cell, x, state, engine="loop")
        got = everything(cell, x, state, None, "triton", slice(0, 2))
    assert y.dtype == like.dtype
    assert [leaf.dtype for leaf in last] == [leaf.dtype for leaf in end]
    for name, wanted in exact.items():
        # inputs, weights and results of a product are rounded, and those of the products before it
        bound = 8 * torch.finfo(dtype).eps * wanted.abs().max().item()
        assert (got[name] - wanted).abs().max().item() <= bound, name


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_gradients_of_gradients(kind: Any) -> None:
    cell, x, state = given(kind, 2, 9, 2)
    found, lengths = [], torch.tensor([9, 5], device=PLACE)
    for engine in ("loop", "triton"):
        leaf = x.clone().requires_grad_()
        y, last = unroll(cell, leaf, state, lengths=lengths, engine=engine)
        total = y.square().sum() + sum(part.square().sum() for part in last)
        (first,) = torch.autograd.grad(total, leaf, create_graph=True)
        found.append(torch.autograd.grad(first.square().sum(), [leaf, *cell.parameters()]))
    for got, wanted in zip(*found[::-1], strict=True):
        torch.testing.assert_close(got, wanted, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", [MinGRU, MinLSTM, LRU, RGLRU], ids=lambda kind: kind.__name__)
def test_finite_where_the_definition_is(kind: Any) -> None:
    for scale in (1e3, 1e7, 1e12):
        cell, x, _ = given(kind, 1, 9)
        x = x * scale
        x[:, ::2] = 0
        got, wanted = large.numbers(cell, x, "triton"), large.numbers(cell, x, "loop")
        for mine, theirs in zip(got, wanted, strict=True):
            assert mine[theirs.isfinite()].isfinite().all(), scale
        largest = wanted[0].abs().max().item()
        torch.testing.assert_close(got[0], wanted[0], rtol=1e-3, atol=1e-4 * largest)


def test_rglru_keeps_its_input_where_nothing_decays() -> None:
    """√(1 − a²) near a = 1, where 1 − a² would cancel."""
    cell, x, _ = given(RGLRU, 1, 3)
    with torch.no_grad():
        cell.decay.fill_(15.0)  # a is 1 − 1e-6
        y, _ = unroll(cell, x, engine="triton")
        exact, _ = unroll(cell.double(), x.double(), engine="loop")
    torch.testing.assert_close(y.double(), exact, rtol=1e-5, atol=0)
