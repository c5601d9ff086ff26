"""MLSTM in chunks: any size of head, gates at their ends, long sequences, rows without steps."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from recurra import tree
from recurra.cells import MLSTM
from recurra.engines import choose, unroll
from recurra.engines.native import library
from recurra.engines.native.mlstm import CHUNK
from tests.engines.test_native import check, results

pytestmark = pytest.mark.skipif(library.missing() is not None, reason=str(library.missing()))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(data=st.data())
def test_any_heads(data: st.DataObject) -> None:
    heads, size = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 35))
    batch = data.draw(st.integers(1, 3))
    time = data.draw(st.sampled_from([1, 2, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 71]))
    row = st.integers(0, time)
    lengths = data.draw(st.none() | st.lists(row, min_size=batch, max_size=batch))
    torch.manual_seed(data.draw(st.integers(0, 9)))
    left = None if lengths is None else torch.tensor(lengths)
    cell, x = MLSTM(3, heads * size, heads=heads), torch.rand(batch, time, 3)
    with torch.no_grad():  # q, k and n are positive: see with_gates
        cell.from_input[: 2 * heads * size].abs_()
    assert choose(cell, x.repeat(1, 4, 1)).name == "native"
    check(cell, x, left, lambda state: state._replace(n=state.n.abs()))


def with_gates(i: Tensor, f: Tensor) -> tuple[MLSTM, Tensor]:
    """Return a cell of one head, and an input whose last two numbers are its gates.

    q and k are positive: where n q is a small rest of large numbers, float32 itself is not exact.
    """
    cell = MLSTM(6, 8, heads=1)
    with torch.no_grad():
        cell.bias[-2:] = 0
        cell.from_input[-2:] = torch.eye(6)[-2:]
        cell.from_input[:-2, -2:] = 0
        cell.from_input[:16] = cell.from_input[:16].abs()
    return cell, torch.cat([torch.rand(*i.shape, 4), torch.stack([i, f], -1)], -1)


@pytest.mark.parametrize("f", [-80.0, 0.0, 80.0])
@pytest.mark.parametrize("i", [-80.0, 0.5, 80.0])
def test_gates_at_their_ends(i: float, f: float) -> None:
    torch.manual_seed(0)
    check(*with_gates(torch.full([2, 70], i), torch.full([2, 70], f)), None)


def test_gates_that_jump() -> None:
    torch.manual_seed(0)
    i, f = (torch.randn(2, 4, 100).sign() * 80).unbind()
    check(*with_gates(i + torch.randn(4, 100), f), None)


def test_gates_far_beyond_leave_numbers_finite() -> None:
    torch.manual_seed(0)
    i, f = torch.randn(2, 4, 100).mul(1e4).unbind()
    cell, x = with_gates(i, f)
    state = tree.map(torch.randn_like, cell.initial_state(4))
    assert all(value.isfinite().all() for value in results(cell, x, state, None, "native").values())


def test_a_long_sequence_is_exact() -> None:
    torch.manual_seed(0)
    cell, x = MLSTM(4, 8, heads=2, time_scale=1000.0), torch.randn(1, 20_000, 4)
    got = results(cell, x, cell.initial_state(1), None, "native")
    exact = copy.deepcopy(cell).double()
    want = results(exact, x.double(), exact.initial_state(1), None, "scan")
    for name in want:
        bound = 1e-5 * want[name].abs().max().clamp(min=1e-30)  # less is nothing in float32
        assert (got[name] - want[name]).abs().max() <= bound, name


def test_nan_stays_in_its_row_and_after_its_step() -> None:
    torch.manual_seed(0)
    cell, x = MLSTM(3, 8, heads=2), torch.randn(3, 70, 3)
    want = unroll(cell, x, engine="native")[0]
    x[1, 40] = torch.nan
    got = unroll(cell, x, engine="native")[0]
    assert torch.equal(got[::2], want[::2])
    torch.testing.assert_close(got[1, :40], want[1, :40])
    assert got[1, 40:].isnan().all()


@pytest.mark.parametrize("batch", [1, 5])
@pytest.mark.parametrize("threads", [1, 2])
def test_two_runs_are_equal_to_the_bit(batch: int, threads: int) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        torch.manual_seed(0)
        cell, x = MLSTM(3, 132), torch.randn(batch, 100, 3)
        lengths = torch.tensor([100, 3, 0, 64, 99][:batch])
        one, two = (results(cell, x, cell.initial_state(batch), lengths, "native") for _ in "12")
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one[name], two[name]) for name in one)
