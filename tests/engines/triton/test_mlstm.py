"""MLSTM on Triton's kernels: borders of chunks and blocks, gates at their ends, 16 bits."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from recurra.cells import MLSTM
from recurra.engines import unroll
from recurra.testing.laws import law_engine_equals_loop
from tests.engines.test_native import check, results
from tests.engines.test_native_mlstm import with_gates

pytest.importorskip("triton", reason="Triton is for Linux")

from recurra.engines.triton.mlstm import plan

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
CHUNK = plan(torch.zeros(1, device=DEVICE)).chunk


@pytest.fixture
def poisoned() -> Iterator[None]:
    """Every new tensor is full of NaN until it is written; not on cuda, where cuBLAS objects."""
    torch.use_deterministic_algorithms(DEVICE == "cpu")
    yield
    torch.use_deterministic_algorithms(False)


def positive(heads: int, size: int) -> MLSTM:
    """Return a cell whose q, k and n are positive: see `with_gates`."""
    cell = MLSTM(3, heads * size, heads=heads)
    with torch.no_grad():
        cell.from_input[: 2 * heads * size].abs_()
    return cell.to(DEVICE)


@pytest.mark.usefixtures("poisoned")
@pytest.mark.parametrize(
    ("heads", "size", "lengths"),
    [
        (1, 3, [1, CHUNK - 1, 0, CHUNK, CHUNK + 1, 2 * CHUNK + 1]),
        (2, 17, [CHUNK + 2, 0]),
        (1, 35, None),
    ],
)
def test_chunks_and_blocks(heads: int, size: int, lengths: list[int] | None) -> None:
    torch.manual_seed(0)
    rows, time = (1, CHUNK + 2) if lengths is None else (len(lengths), max(lengths) + 1)
    x = torch.rand(rows, time, 3, device=DEVICE)
    left = None if lengths is None else torch.tensor(lengths, device=DEVICE)
    check(positive(heads, size), x, left, lambda state: state._replace(n=state.n.abs()), "triton")


def gates(time: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield i and f: far up or down at all times; jumping, with peaks that are equal; high.

    There, i's sums with log f are no numbers of 32 bits.
    """
    torch.manual_seed(0)
    i = torch.tensor([-80.0, 0.5, 80.0, 80.0])[:, None].expand(4, time)
    f = torch.tensor([80.0, -80.0, 80.0, 0.0])[:, None].expand(4, time)
    yield i, f
    i, f = (torch.randn(2, 2, time).sign() * 80).unbind()
    yield i + torch.randn(2, time).round(), f
    yield 8192 + torch.randint(-4, 5, (2, time)) / 4, torch.zeros(2, time)


@pytest.mark.parametrize("kind", [0, 1, 2], ids=["ends", "jumps", "high"])
def test_gates(kind: int) -> None:
    i, f = list(gates(CHUNK + 7))[kind]
    cell, x = with_gates(i, f)
    check(cell.to(DEVICE), x.to(DEVICE), None, engine="triton")


@pytest.mark.parametrize("scale", [1e4, 1e9])
def test_gates_far_beyond_leave_numbers_finite(scale: float) -> None:
    torch.manual_seed(0)
    i, f = torch.randn(2, 2, CHUNK + 1).mul(scale).unbind()
    cell, x = with_gates(i, f)
    cell, x = cell.to(DEVICE), x.to(DEVICE)
    got = results(cell, x, cell.initial_state(2), None, "triton")
    assert all(value.isfinite().all() for value in got.values())
    want = unroll(cell, x, engine="loop")[0]
    torch.testing.assert_close(got["y"], want, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_float16_keeps_the_law() -> None:
    torch.manual_seed(0)
    law_engine_equals_loop(MLSTM(3, 5), "triton", torch.float16)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=["bfloat16", "float16"])
def test_autocast(dtype: torch.dtype) -> None:
    """Types are those of `loop`; beside its own errors there are a few roundings more.

    Of x, W, u, of scores and C before they are multiplied, and the same of what they give back:
    eight half digits, each of the largest number at most.
    """
    torch.manual_seed(0)
    cell, x = positive(2, 3), torch.rand(2, CHUNK + 1, 3, device=DEVICE)
    state = cell.initial_state(2)
    with torch.autocast(DEVICE, dtype):
        got = results(cell, x, state, None, "triton")
        rounded = results(cell, x, state, None, "loop")
    exact = results(cell.double(), x.double(), cell.initial_state(2), None, "loop")
    for name, want in exact.items():
        assert got[name].dtype == rounded[name].dtype, name
        bound = (
            4 * torch.finfo(dtype).eps * want.abs().max() + 3 * (rounded[name] - want).abs().max()
        )
        assert (got[name] - want).abs().max() <= bound, name


@pytest.mark.slow
def test_a_long_sequence_is_exact() -> None:
    torch.manual_seed(0)
    cell = MLSTM(4, 8, heads=2, time_scale=1000.0).to(DEVICE)
    x = torch.randn(1, 5_000, 4, device=DEVICE)
    check(cell, x, None, engine="triton")
