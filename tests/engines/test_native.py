"""The native engine beyond the laws: any shape, every instruction set, memory, exactness."""

import copy
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from recurra import tree
from recurra.cells import (
    GRU,
    LRU,
    LSTM,
    MLSTM,
    RGLRU,
    SLSTM,
    Cell,
    Elman,
    IndRNN,
    MinGRU,
    MinLSTM,
)
from recurra.cells.base import Affine, LinearCell, Rotation
from recurra.engines import choose, unroll
from recurra.engines.native import library
from recurra.errors import EngineRefused
from recurra.layers import Recurrent

pytestmark = pytest.mark.skipif(library.missing() is not None, reason=str(library.missing()))


class SmoothingState(NamedTuple):
    h: Tensor


class Smoothing(LinearCell[SmoothingState]):
    """A user's cell with an `Affine` transition, half of it the same at all times."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__(inputs, hidden)
        self.rate = nn.Parameter(torch.randn(hidden))
        self.from_input = nn.Parameter(torch.randn(2 * hidden, inputs) / 2)

    def initial_state(self, batch: int) -> SmoothingState:
        return SmoothingState(self.zeros(batch, self.hidden_size))

    def project(self, x: Tensor) -> Tensor:
        return nn.functional.linear(x, self.from_input)

    def transition(self, u: Tensor) -> Affine:
        inject = u.chunk(2, dim=-1)[0]
        return Affine(torch.sigmoid(self.rate).expand_as(inject), inject)

    def read(self, u: Tensor, state: SmoothingState) -> Tensor:
        return state.h * u.chunk(2, dim=-1)[1]


class RingingState(NamedTuple):
    re: Tensor
    im: Tensor


class Ringing(LinearCell[RingingState]):
    """A user's cell with a `Rotation` that depends on the input."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__(inputs, hidden)
        self.from_input = nn.Parameter(torch.randn(4 * hidden, inputs) / 2)

    def initial_state(self, batch: int) -> RingingState:
        return RingingState(*self.zeros(2, batch, self.hidden_size))

    def project(self, x: Tensor) -> Tensor:
        return nn.functional.linear(x, self.from_input)

    def transition(self, u: Tensor) -> Rotation:
        radius, angle, re, im = u.chunk(4, dim=-1)
        radius = torch.sigmoid(radius)
        return Rotation(radius * torch.cos(angle), radius * torch.sin(angle), re, im)

    def read(self, u: Tensor, state: RingingState) -> Tensor:
        return state.re + 2 * state.im


def exponential_slstm(inputs: int, hidden: int) -> SLSTM:
    """Return one of small inputs: what larger ones add to m costs `loop` too its last digits."""
    cell = SLSTM(inputs, hidden, forget="exp", heads=1)
    cell.from_input.data.mul_(0.3)
    return cell


CELLS = {
    "LSTM": LSTM,
    "GRU": GRU,
    "Elman-tanh": Elman,
    "Elman-relu": lambda inputs, hidden: Elman(inputs, hidden, nonlinearity="relu"),
    "IndRNN": IndRNN,
    "SLSTM-sigmoid": SLSTM,
    "SLSTM-exp": exponential_slstm,
    "MinGRU": MinGRU,
    "MinLSTM": MinLSTM,
    "LRU": LRU,
    "RGLRU": RGLRU,
    "any-affine": Smoothing,
    "any-rotation": Ringing,
    "MLSTM": MLSTM,
    "MLSTM-one-head": lambda inputs, hidden: MLSTM(inputs, hidden, heads=1),
    "MLSTM-narrow": lambda inputs, hidden: MLSTM(inputs, hidden, heads=hidden),
}


@pytest.fixture
def poisoned() -> Iterator[None]:
    """Every new tensor is full of NaN until it is written."""
    torch.use_deterministic_algorithms(True)
    assert torch.utils.deterministic.fill_uninitialized_memory
    assert torch.empty(3).isnan().all()
    yield
    torch.use_deterministic_algorithms(False)


@contextmanager
def on_threads(count: int) -> Iterator[None]:
    """Run with this many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


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


def check(
    cell: Cell[Any],
    x: Tensor,
    lengths: Tensor | None,
    given: Callable[[Any], Any] | None = None,
    engine: str = "native",
) -> None:
    """Compare with `loop` in float64: the largest difference, as a share of the largest number."""
    state = tree.map(torch.randn_like, cell.initial_state(len(x)))
    state = state if given is None else given(state)
    if isinstance(cell, SLSTM):  # its n is a sum of what is positive, and c / n a mean of tanh
        n = state.n.abs() + 1
        state = state._replace(c=n * state.c.tanh(), n=n)
    got = results(cell, x, state, lengths, engine)
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


@pytest.mark.parametrize(
    "kind", [kind for kind in CELLS if hasattr(CELLS[kind](2, 2), "from_state")]
)
@pytest.mark.parametrize("inputs", [127, 128, 129, 600])
def test_many_inputs(kind: str, inputs: int) -> None:
    torch.manual_seed(0)
    left = torch.tensor([90, 0, 33, 89, 7, 64, 90, 90])  # some end within what is projected at once
    check(CELLS[kind](inputs, 11), torch.randn(8, 90, inputs), left)


@pytest.mark.parametrize("kind", CELLS)
def test_ten_thousand_steps(kind: str) -> None:
    torch.manual_seed(0)
    cell, x = CELLS[kind](2, 3), torch.randn(1, 10_007, 2)
    got, want = (unroll(cell, x, engine=name)[0] for name in ("native", "loop"))
    torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-4)


def check_a_long_sequence() -> None:
    torch.manual_seed(0)
    cell, x = MinGRU(4, 8, time_scale=1000.0), torch.randn(1, 16_384, 4)
    got = results(cell, x, cell.initial_state(1), None, "native")
    exact = copy.deepcopy(cell).double()
    want = results(exact, x.double(), exact.initial_state(1), None, "scan")
    for name in ("gradient of x", "gradient of from_input", "gradient of bias"):
        assert (got[name] - want[name]).abs().max() <= 1e-6 * want[name].abs().max(), name


@pytest.mark.parametrize("isa", ["baseline", "avx2", "avx512", "avx512bf16", "amx", "neon"])
def test_every_instruction_set(isa: str) -> None:
    code = """
import sys, torch
from recurra.engines.native import library
try:
    assert library.isa() == sys.argv[1]
except library.RecurraError as error:
    print(error); sys.exit(3)
from tests.engines.test_native import CELLS, check, check_a_long_sequence
torch.manual_seed(0)
for kind in CELLS.values():
    for width in (1, 16, 37, 64):
        check(kind(3, width), torch.randn(15, 9, 3), None)
        check(kind(3, width), torch.randn(4, 9, 3), torch.tensor([9, 0, 8, 1]))
    check(kind(3, 67), torch.randn(1, 300, 3), None)
check_a_long_sequence()
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
    cell, x = CELLS[kind](3, 130), torch.randn(5, 40, 3)
    state, lengths = cell.initial_state(5), torch.tensor([40, 3, 0, 17, 39])
    with on_threads(2):
        one, two = (results(cell, x, state, lengths, "native") for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in one)


LINEAR = ["MinGRU", "MinLSTM", "LRU", "RGLRU", "any-affine", "any-rotation"]


@pytest.mark.usefixtures("poisoned")
@pytest.mark.parametrize("threads", [2, 5])
@pytest.mark.parametrize("kind", LINEAR)
def test_chunks_of_time_on_more_threads_than_rows(kind: str, threads: int) -> None:
    torch.manual_seed(0)
    cell, x, lengths = CELLS[kind](3, 131), torch.randn(3, 397, 3), torch.tensor([397, 0, 126])
    with on_threads(threads):
        check(cell, x[:1], None)
        check(cell, x, lengths)
        state = cell.initial_state(1)
        first, *others = (results(cell, x[:1], state, None, "native") for _ in range(5))
    for other in others:
        assert all(torch.equal(first[name], other[name]) for name in first)


@pytest.mark.usefixtures("poisoned")
@pytest.mark.parametrize("kind", LINEAR)
def test_more_than_the_caches_hold(kind: str) -> None:
    torch.manual_seed(0)
    cell, x = CELLS[kind](2, 96), torch.randn(2, 30_011, 2)
    state = tree.map(torch.randn_like, cell.initial_state(2))
    with on_threads(2):
        got = results(cell, x, state, None, "native")
    want = results(cell, x, state, None, "scan")
    for name, value in want.items():
        limit = 1e-4 * max(value.abs().max().item(), 1.0)
        assert (got[name] - value).abs().max() <= limit, name


@pytest.mark.parametrize("kind", LINEAR)
def test_a_hundred_thousand_steps(kind: str) -> None:
    torch.manual_seed(0)
    cell, x = CELLS[kind](2, 3), torch.randn(1, 100_003, 2)
    with on_threads(2):
        got = unroll(cell, x, engine="native")[0]
    torch.testing.assert_close(got, unroll(cell, x, engine="scan")[0], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", LINEAR)
def test_no_gradient_of_the_input(kind: str) -> None:
    cell, x = CELLS[kind](3, 9), torch.randn(2, 11, 3)
    grads = [
        torch.autograd.grad(unroll(cell, x, engine=name)[0].sum(), list(cell.parameters()))
        for name in ("native", "loop")
    ]
    for got, want in zip(*grads, strict=True):
        torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("gates", [-200.0, -90.0, -20.0, 0.0, 20.0, 90.0, 200.0])
@pytest.mark.parametrize("kind", ["MinGRU", "MinLSTM", "RGLRU"])
def test_gates_far_open_or_shut(kind: str, gates: float) -> None:
    torch.manual_seed(0)
    cell, x = CELLS[kind](3, 24), torch.randn(2, 7, 3)
    wide = cell.from_input if kind != "RGLRU" else cell.gates
    wide.data *= 50
    for name in ("bias", "gate_bias"):
        if hasattr(cell, name):
            getattr(cell, name).data += gates
    check(cell, x, None)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_long_sequence_has_an_exact_gradient(threads: int) -> None:
    with on_threads(threads):
        check_a_long_sequence()


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


def test_a_tie_within_slstm_has_the_gradient_of_the_definition() -> None:
    cell, state = SLSTM(2, 3, forget="exp"), SLSTM(2, 3).initial_state(2)
    cell.bias.data.zero_()
    cell.from_state.data.zero_()
    state = type(state)(*(torch.ones_like(leaf) for leaf in state[:3]), torch.zeros(2, 3))
    x = torch.zeros(2, 1, 2)
    grads = [results(cell, x, state, None, engine) for engine in ("native", "loop")]
    for name, got in grads[0].items():
        torch.testing.assert_close(got, grads[1][name], rtol=1e-5, atol=1e-6, msg=name)


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


class Doubling(Smoothing):
    """Has a transition that no kernel knows."""

    def transition(self, u: Tensor) -> Any:
        return (super().transition(u),)


class Peephole(LSTM):
    """May differ from LSTM anywhere."""


def test_it_refuses_what_it_cannot_take() -> None:
    x = torch.zeros(1, 4, 3)
    for cell, wrong, text in (
        (MinGRU(3, 4), x.double(), "take float32 and bfloat16; the input or a weight is torch.fl"),
        (MinGRU(3, 4).double(), x, "take float32 and bfloat16; the input or a weight is torch.fl"),
        (GRU(3, 4), x.to("meta"), "run on cpu; the input or a weight is on meta"),
        (Doubling(3, 4), x, "no native kernel for Doubling: its transition is no Affine, no Rot"),
        (Peephole(3, 4), x, "no native kernel for Peephole"),
    ):
        with pytest.raises(EngineRefused, match=text):
            choose(cell, wrong, "native")


def test_a_traced_graph_does_not_hold_its_numbers() -> None:
    cell, x = GRU(3, 4), torch.zeros(1, 4, 3)
    graph = torch.export.export(Recurrent(cell), (x,)).module()
    x = torch.randn(1, 4, 3)
    torch.testing.assert_close(graph(x)[0], unroll(cell, x, engine="loop")[0])


def test_gradients_of_gradients_where_a_cell_reads_its_own_outputs() -> None:
    """What x was made of is a weight too, and its gradient through x is not the kernel's."""
    torch.manual_seed(0)
    cell, x, results = GRU(4, 4), torch.randn(2, 3, 4, requires_grad=True), []
    sources = [x, *cell.parameters()]
    for engine in ("native", "loop"):
        y, state = unroll(cell, x, engine=engine)
        y, state = unroll(cell, y, state, engine=engine)
        grads = torch.autograd.grad(y.square().sum(), sources, create_graph=True)
        results.append(torch.autograd.grad(sum(grad.square().sum() for grad in grads), sources))
    torch.testing.assert_close(*results, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", ["LSTM", "MinGRU"])
def test_transforms_of_functions(kind: str) -> None:
    torch.manual_seed(0)
    cell, x = CELLS[kind](3, 20), torch.randn(2, 5, 3)

    def loss(x: Tensor, engine: str | None) -> Tensor:
        return unroll(cell, x, engine=engine)[0].pow(2).sum()

    got, want = (torch.func.grad(loss)(x, engine) for engine in (None, "loop"))
    torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-5)
    with pytest.raises(EngineRefused, match="no rules for vmap"):
        torch.func.grad(loss)(x, "native")


def test_indrnn_is_held_to_its_bound() -> None:
    torch.manual_seed(0)
    cell = IndRNN(3, 4, time_scale=5.0)
    cell.from_state.data = torch.tensor([3.0, -3.0, 0.5, 1.2])
    x = torch.randn(2, 20, 3, generator=torch.Generator().manual_seed(0))
    found = []
    for engine in ("native", "loop"):
        y, _ = unroll(cell, x, engine=engine)
        found.append([y, *torch.autograd.grad(y.square().sum(), list(cell.parameters()))])
    for mine, theirs in zip(*found, strict=True):  # sums of many: beside their largest number
        largest = theirs.abs().max().item()
        torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-5 * largest)


def test_weights_of_another_shape_are_refused() -> None:
    cell, x = GRU(3, 4), torch.zeros(1, 4, 3)
    cell.from_state = nn.Parameter(torch.zeros(12, 5))
    with pytest.raises(EngineRefused, match=r"from_state of GRU is \[12, 5\], not \[12, 4\]"):
        choose(cell, x, "native")
