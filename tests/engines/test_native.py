"""The native engine beyond the laws: any shape, every instruction set, memory, exactness."""

import copy
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from recurra import tree
from recurra.cells import GRU, LRU, LSTM, RGLRU, Cell, Elman, MinGRU, MinLSTM
from recurra.engines import choose, unroll
from recurra.engines.native import library
from recurra.errors import EngineRefused
from recurra.layers import Recurrent

pytestmark = pytest.mark.skipif(library.missing() is not None, reason=str(library.missing()))

CELLS = {
    "LSTM": LSTM,
    "GRU": GRU,
    "Elman-tanh": Elman,
    "Elman-relu": lambda inputs, hidden: Elman(inputs, hidden, nonlinearity="relu"),
    "MinGRU": MinGRU,
    "MinLSTM": MinLSTM,
    "RGLRU": RGLRU,
}


@pytest.fixture
def poisoned() -> Iterator[None]:
    """Every new tensor is full of NaN until it is written."""
    torch.use_deterministic_algorithms(True)
    assert torch.utils.deterministic.fill_uninitialized_memory
    assert torch.empty(3).isnan().all()
    yield
    torch.use_deterministic_algorithms(False)


def results(
    cell: Cell[Any], x: Tensor, state: Any, lengths: Tensor | None, engine: str
) -> dict[str, Tensor]:
    """Return outputs, last state and gradients, by name."""
    x = x.detach().requires_grad_()
    state = tree.map(lambda leaf: leaf.detach().requires_grad_(), state)
    y, last = unroll(cell, x, state, lengths=lengths, engine=engine)
    outputs = {"y": y, **dict(zip(tree.names(last), tree.leaves(last), strict=True))}
    loss = sum((leaf * torch.linspace(1, 2, leaf.shape[-1]).to(leaf)).sum() for leaf in (y, *last))
    assert isinstance(loss, Tensor)
    sources = {"x": x, **dict(cell.named_parameters())}
    sources |= {
        f"initial {n}": leaf for n, leaf in zip(tree.names(state), tree.leaves(state), strict=True)
    }
    grads = torch.autograd.grad(loss, list(sources.values()), materialize_grads=True)
    outputs |= {f"gradient of {name}": grad for name, grad in zip(sources, grads, strict=True)}
    return {name: value.detach() for name, value in outputs.items()}


def check(cell: Cell[Any], x: Tensor, lengths: Tensor | None) -> None:
    """Compare with `loop` in float64: the largest difference, as a share of the largest number."""
    state = tree.map(torch.randn_like, cell.initial_state(len(x)))
    got = results(cell, x, state, lengths, "native")
    exact_state = tree.map(lambda leaf: leaf.double(), state)
    exact = results(copy.deepcopy(cell).double(), x.double(), exact_state, lengths, "loop")
    for name, want in exact.items():
        if want.numel():
            off = (got[name] - want).abs().max().item()
            assert off <= 1e-5 * max(want.abs().max().item(), 1.0), name


@pytest.mark.parametrize("kind", CELLS)
@settings(max_examples=25, deadline=None, derandomize=True)
@given(data=st.data())
def test_any_shape(kind: str, data: st.DataObject) -> None:
    batch, time = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 70))
    inputs, hidden = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 67))
    row = st.integers(0, time)
    lengths = data.draw(st.none() | st.lists(row, min_size=batch, max_size=batch))
    torch.manual_seed(data.draw(st.integers(0, 9)))
    left = None if lengths is None else torch.tensor(lengths)
    check(CELLS[kind](inputs, hidden), torch.randn(batch, time, inputs), left)


@pytest.mark.usefixtures("poisoned")
@pytest.mark.parametrize("lengths", [None, [5, 0, 70, 1, 69, 5, 5]], ids=["full", "lengths"])
@pytest.mark.parametrize("width", [1, 16, 33])
@pytest.mark.parametrize("kind", CELLS)
def test_no_number_is_read_before_it_is_written(
    kind: str, width: int, lengths: list[int] | None
) -> None:
    torch.manual_seed(0)
    left = None if lengths is None else torch.tensor(lengths)
    check(CELLS[kind](3, width), torch.randn(7, 70, 3), left)


@pytest.mark.parametrize("kind", CELLS)
def test_ten_thousand_steps(kind: str) -> None:
    torch.manual_seed(0)
    cell, x = CELLS[kind](2, 3), torch.randn(1, 10_007, 2)
    got, want = (unroll(cell, x, engine=name)[0] for name in ("native", "loop"))
    torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("isa", ["baseline", "avx2", "avx512", "neon"])
def test_every_instruction_set(isa: str) -> None:
    code = """
import sys, torch
from recurra.engines.native import library
try:
    assert library.isa() == sys.argv[1]
except library.RecurraError as error:
    print(error); sys.exit(3)
from tests.engines.test_native import CELLS, check
torch.manual_seed(0)
for kind in CELLS.values():
    for width in (1, 16, 37, 64):
        check(kind(3, width), torch.randn(15, 9, 3), None)
        check(kind(3, width), torch.randn(4, 9, 3), torch.tensor([9, 0, 8, 1]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, isa],
        env={**os.environ, "RECURRA_ISA": isa, "OMP_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 3:
        assert "this machine lacks" in done.stdout
        pytest.skip(done.stdout)
    assert done.returncode == 0, done.stderr


def test_an_unknown_instruction_set_is_told() -> None:
    code = "from recurra.engines.native import library; library.isa()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "RECURRA_ISA": "avx9"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "RECURRA_ISA is 'avx9': there is no such instruction set; known:" in done.stderr


@pytest.mark.parametrize("kind", CELLS)
def test_two_runs_are_equal_to_the_bit(kind: str) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        cell, x = CELLS[kind](3, 130), torch.randn(5, 40, 3)
        state, lengths = cell.initial_state(5), torch.tensor([40, 3, 0, 17, 39])
        one, two = (results(cell, x, state, lengths, "native") for _ in range(2))
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.skipif(
    library.missing() is None and library.isa() == "baseline", reason="needs fused multiply-add"
)
def test_a_long_sequence_has_an_exact_gradient() -> None:
    torch.manual_seed(0)
    cell, x = MinGRU(4, 8, time_scale=1000.0), torch.randn(1, 16_384, 4)
    got = results(cell, x, cell.initial_state(1), None, "native")
    exact = copy.deepcopy(cell).double()
    want = results(exact, x.double(), exact.initial_state(1), None, "scan")
    for name in ("gradient of x", "gradient of from_input", "gradient of bias"):
        assert (got[name] - want[name]).abs().max() <= 1e-6 * want[name].abs().max(), name


@pytest.mark.parametrize("kind", CELLS)
def test_gradients_of_gradients(kind: str) -> None:
    torch.manual_seed(0)
    cell = CELLS[kind](2, 3)
    lengths = torch.tensor([6, 0, 3])
    second = {}
    for engine in ("native", "loop"):
        torch.manual_seed(1)
        x, state = torch.randn(3, 6, 2, requires_grad=True), cell.initial_state(3)
        y, last = unroll(cell, x, state, lengths=lengths, engine=engine)
        loss = y.pow(2).sum() + sum(leaf.sin().sum() for leaf in last)
        (grad,) = torch.autograd.grad(loss, x, create_graph=True)
        second[engine] = torch.autograd.grad(
            grad.pow(2).sum(), [x, *cell.parameters()], materialize_grads=True
        )
    for got, want in zip(second["native"], second["loop"], strict=True):
        torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", CELLS)
def test_backward_twice_is_the_same_twice(kind: str) -> None:
    cell, x = CELLS[kind](3, 9), torch.randn(2, 11, 3)
    y, _ = unroll(cell, x, engine="native")
    one, two = (
        torch.autograd.grad(y.sum(), list(cell.parameters()), retain_graph=True) for _ in range(2)
    )
    assert all(torch.equal(first, second) for first, second in zip(one, two, strict=True))


@pytest.mark.parametrize("kind", CELLS)
def test_other_layouts_are_made_contiguous(kind: str) -> None:
    cell = CELLS[kind](3, 9)
    for parameter in cell.parameters():
        if parameter.dim() == 2:
            parameter.data = parameter.data.T.contiguous().T
    x = torch.randn(11, 2, 6).transpose(0, 1)[..., ::2]
    check(cell, x, torch.tensor([11, 4]))


@pytest.mark.parametrize("kind", CELLS)
def test_frozen_weights_and_no_gradient(kind: str) -> None:
    cell, x = CELLS[kind](3, 9), torch.randn(2, 11, 3)
    with torch.inference_mode():
        y, _ = unroll(cell, x, engine="native")
    want, _ = unroll(cell, x, engine="loop")
    torch.testing.assert_close(y, want, rtol=1e-5, atol=1e-5)
    cell.requires_grad_(False)
    x.requires_grad_()
    grads = [torch.autograd.grad(unroll(cell, x, engine=e)[0].sum(), x) for e in ("native", "loop")]
    torch.testing.assert_close(*grads, rtol=1e-4, atol=1e-5)


class Peephole(LSTM):
    """May differ from LSTM anywhere."""


def test_it_refuses_what_it_cannot_take() -> None:
    x = torch.zeros(1, 4, 3)
    for cell, wrong, text in (
        (MinGRU(3, 4), x.double(), "compute in torch.float32; the input or a weight is torch.fl"),
        (MinGRU(3, 4).double(), x, "compute in torch.float32; the input or a weight is torch.fl"),
        (GRU(3, 4), x.to("meta"), "run on cpu; the input or a weight is on meta"),
        (LRU(3, 4), x, "no native kernel for LRU: its transition is not Affine"),
        (Peephole(3, 4), x, "no native kernel for Peephole"),
    ):
        with pytest.raises(EngineRefused, match=text):
            choose(cell, wrong, "native")
    with torch.autocast("cpu", torch.bfloat16), pytest.raises(EngineRefused, match="autocast"):
        choose(MinGRU(3, 4), x, "native")


def test_a_traced_graph_does_not_hold_its_numbers() -> None:
    cell, x = GRU(3, 4), torch.zeros(1, 4, 3)
    graph = torch.export.export(Recurrent(cell), (x,)).module()
    x = torch.randn(1, 4, 3)
    torch.testing.assert_close(graph(x)[0], unroll(cell, x, engine="loop")[0])
