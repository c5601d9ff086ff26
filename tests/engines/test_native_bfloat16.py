"""The native engine on bfloat16 and under autocast: as near the exact answer as rounding lets."""

import copy
import os
import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import Tensor

from recurra import tree
from recurra.cells import LSTM, SLSTM, Cell, MinGRU
from recurra.engines import choose, unroll
from recurra.engines.native import library
from recurra.engines.native.product import add_product, product, rounded, transposed_product
from recurra.errors import EngineRefused
from recurra.layers import Bidirectional, Recurrent
from tests.engines.test_native import CELLS, poisoned, results  # noqa: F401  # one is a fixture

pytestmark = pytest.mark.skipif(library.missing() is not None, reason=str(library.missing()))
UNIT = 2.0**-8  # bfloat16 has 8 bits: a number changes by at most this share of itself
# Shares that independent roundings do not reach together. On the way of y: x, W, W x, h, U, a state
# or an output in bfloat16, twice, since h comes back. Of a gradient: those before it, and of its
# products with U, x and W both sides and the result.
OUTPUTS, GRADIENTS = 12 * UNIT, 24 * UNIT
# relu and maximum: a gradient jumps where rounding crosses one, in `loop` under autocast as often
KINKED = ("Elman-relu", "IndRNN", "SLSTM-sigmoid", "SLSTM-exp", "MLSTM")
KINDS = [kind for kind in CELLS if kind not in ("MLSTM-one-head", "MLSTM-narrow")]
RAGGED = [20, 0, 7, 1, 19, 20, 13, 20, 2]
ISA = """
import sys, torch
from recurra.engines.native import library
try:
    assert library.isa() == sys.argv[1]
except library.RecurraError as error:
    print(error); sys.exit(3)
"""


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Multiply bfloat16 on any processor, and products of any size."""
    monkeypatch.setattr("recurra.engines.native.precision.multiplies_bfloat16", lambda: True)
    monkeypatch.setattr("recurra.engines.native.precision.WORTH", 0)
    monkeypatch.setattr("recurra.engines.native.product.WORTH_ROUNDING", 0)


def off(got: Tensor, want: Tensor) -> float:
    """Return the error's norm as a share of the exact one's."""
    assert got.isfinite().all()
    return float((got.double() - want).norm() / want.norm().clamp(min=1e-6))


def most(got: Tensor, want: Tensor) -> float:
    """Return the same of the median row."""
    assert got.isfinite().all()
    size = want.norm() / len(want) ** 0.5
    return float((got.double() - want).flatten(1).norm(dim=1).median() / size)


def start(cell: Cell[Any], batch: int) -> Any:
    state = tree.map(torch.randn_like, cell.initial_state(batch))
    if isinstance(cell, SLSTM):  # its n is a sum of what is positive, and c / n a mean of tanh
        n = state.n.abs() + 1
        return state._replace(c=n * state.c.tanh(), n=n)
    return state


def check(kind: str, way: str, x: Tensor, lengths: Tensor | None, hidden: int) -> None:
    """Compare with `loop` in float64."""
    cell, cast = CELLS[kind](x.shape[2], hidden), way == "autocast"
    if not cast:
        cell, x = cell.bfloat16(), x.bfloat16()
    state, found = start(cell, len(x)), {}
    for engine in ("native", "loop"):
        with torch.autocast("cpu", torch.bfloat16, enabled=cast):  # around backward, too
            found[engine] = results(cell, x, state, lengths, engine)
    state = tree.map(lambda leaf: leaf.double(), state)
    exact = results(copy.deepcopy(cell).double(), x.double(), state, lengths, "loop")
    for name, want in exact.items():
        got, gradient = found["native"][name], name.startswith("gradient")
        assert got.dtype == x.dtype
        if not (gradient and kind in KINKED):
            assert off(got, want) <= (GRADIENTS if gradient else OUTPUTS), name
        elif len(want) == len(x):
            assert most(got, want) <= GRADIENTS + 2 * most(found["loop"][name], want), name


@pytest.mark.usefixtures("poisoned", "narrow")
@pytest.mark.parametrize("lengths", [None, RAGGED], ids=["full", "lengths"])
@pytest.mark.parametrize("way", ["autocast", "bfloat16"])
@pytest.mark.parametrize("kind", KINDS)
def test_outputs_states_and_gradients(kind: str, way: str, lengths: list[int] | None) -> None:
    torch.manual_seed(0)
    left = None if lengths is None else torch.tensor(lengths)
    check(kind, way, torch.randn(9, 20, 40), left, 67)


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_many_rows_of_two_steps(kind: str) -> None:
    """Half of all lines meet the initial state, and no line of a row above."""
    torch.manual_seed(0)
    check(kind, "autocast", torch.randn(60, 2, 40), None, 67)


@pytest.mark.parametrize("multiplies", [True, False])
@pytest.mark.parametrize("kind", ["LSTM", "MinGRU", "LRU"])
def test_sixteen_bits_are_used_where_they_are_faster(
    kind: str, multiplies: bool, narrow: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "recurra.engines.native.precision.multiplies_bfloat16"
    monkeypatch.setattr(name, lambda: multiplies)
    torch.manual_seed(0)
    cell, x = CELLS[kind](40, 64), torch.randn(9, 20, 40)
    plain = unroll(cell, x, engine="native")[0]
    with torch.autocast("cpu", torch.bfloat16):
        y = unroll(cell, x, engine="native")[0]
    assert torch.equal(y, plain) == (not multiplies)


def test_little_is_multiplied_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recurra.engines.native.precision.multiplies_bfloat16", lambda: True)
    cell, x = LSTM(40, 64), torch.randn(9, 20, 40)
    with torch.autocast("cpu", torch.bfloat16):
        y, _ = unroll(cell, x, engine="native")
    assert torch.equal(y, unroll(cell, x, engine="native")[0])


@pytest.mark.usefixtures("narrow")
def test_backward_after_autocast_is_backward_within() -> None:
    torch.manual_seed(0)
    cell, x = LSTM(40, 64), torch.randn(9, 20, 40, requires_grad=True)
    sources = [x, *cell.parameters()]
    with torch.autocast("cpu", torch.bfloat16):
        y, _ = unroll(cell, x, engine="native")
        within = torch.autograd.grad(y.square().sum(), sources, retain_graph=True)
    after = torch.autograd.grad(y.square().sum(), sources)
    assert all(torch.equal(one, other) for one, other in zip(within, after, strict=True))


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("kind", ["LSTM", "MinGRU", "any-affine"])
def test_gradients_of_gradients(kind: str) -> None:
    torch.manual_seed(0)
    cell, x = CELLS[kind](3, 20), torch.randn(3, 6, 3, requires_grad=True)
    second = []
    for way, on in (("native", True), ("loop", False)):
        with torch.autocast("cpu", torch.bfloat16, enabled=on):
            y, _ = unroll(cell, x, engine=way)
        (grad,) = torch.autograd.grad(y.float().sum(), x, create_graph=True)
        second.append(torch.autograd.grad(grad.square().sum(), cell.from_input)[0])
    assert off(second[0], second[1].double()) <= 24 * UNIT


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("lengths", [None, RAGGED], ids=["full", "lengths"])
def test_both_directions_at_once(lengths: list[int] | None) -> None:
    torch.manual_seed(0)
    layer, x = Bidirectional(LSTM(40, 67), LSTM(40, 67)), torch.randn(9, 20, 40)
    left = None if lengths is None else torch.tensor(lengths)
    with torch.autocast("cpu", torch.bfloat16):
        y, _ = layer(x, lengths=left)
        y.sum().backward()
    want, _ = copy.deepcopy(layer).double()(x.double(), lengths=left)
    assert y.dtype == torch.float32
    assert off(y.detach(), want.detach()) <= OUTPUTS
    assert all(weight.grad is not None for weight in layer.parameters())


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_of_time_changes_no_more_than_rounding(kind: str) -> None:
    torch.manual_seed(0)
    layer, x = Recurrent(CELLS[kind](40, 67), engine="native"), torch.randn(9, 20, 40)
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        whole, _ = layer(x)
        one, state = layer(x[:, :7])
        other, _ = layer(x[:, 7:], state)
    assert off(torch.cat([one, other], 1), whole.double()) <= OUTPUTS


@pytest.mark.parametrize("isa", ["baseline", "avx2", "avx512", "avx512bf16", "amx", "neon"])
def test_every_instruction_set(isa: str) -> None:
    code = f"""{ISA}
import recurra.engines.native.precision as precision
assert library.multiplies_bfloat16() == (sys.argv[1] in ("avx512bf16", "amx"))
assert precision.multiplies_bfloat16() == library.multiplies_bfloat16()
precision.multiplies_bfloat16, precision.WORTH = lambda: True, 0  # widened kernels, too
from tests.engines.test_native_bfloat16 import check
for kind in ("LSTM", "GRU", "Elman-tanh", "SLSTM-sigmoid"):
    for width, batch in ((16, 1), (37, 15), (64, 40)):
        torch.manual_seed(0)
        check(kind, "autocast", torch.randn(batch, 9, 3), None, width)
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
        pytest.skip(f"{isa}: {done.stdout}")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize(
    ("lines", "depth", "width"), [(9000, 33, 70), (1, 300, 300), (3001, 128, 384), (5, 3, 2)]
)
def test_products(lines: int, depth: int, width: int, apart: bool) -> None:
    """A sum is rounded once where oneDNN makes it; float32 is exact beside it."""
    torch.manual_seed(0)
    wide = rounded(torch.randn(lines, depth + 5), torch.bfloat16)
    a = wide[:, 2 : depth + 2] if apart else wide[:, :depth].contiguous()
    b, bias = torch.randn(width, depth).T, torch.randn(width)
    exact_b = rounded(b, torch.bfloat16).double()
    want, sizes = a.double() @ exact_b, a.double().abs() @ exact_b.abs()

    def near(got: Tensor, want: Tensor, rounded: Tensor, sizes: Tensor) -> bool:
        limit = UNIT * rounded.abs() + 2.0**-22 * (sizes + want.abs())
        # few products are of float32, and round b no more than they must
        return got.dtype == torch.float32 and bool(((got - want).abs() <= limit + slack).all())

    slack = 2 * UNIT * sizes.max() if lines * depth * width < 1 << 20 or lines % 32 else 0.0
    assert near(product(a, b), want, want, sizes)
    assert near(product(a, b, bias=bias), want + bias, want, sizes)
    out = torch.randn(lines, width)
    before = out.double()
    assert add_product(out, a, b) is out
    assert near(out, before + want, want, sizes)
    other = rounded(torch.randn(lines, width), torch.bfloat16)
    sums, sizes = a.double().T @ other.double(), a.double().abs().T @ other.double().abs()
    assert near(transposed_product(a, other), sums, sizes, sizes)


def test_what_it_does_not_take() -> None:
    x = torch.zeros(1, 4, 3)
    with pytest.raises(EngineRefused, match="take float32 and bfloat16; the input or a weight is"):
        choose(MinGRU(3, 4).half(), x.half(), "native")
    with (
        torch.autocast("cpu", torch.float16),
        pytest.raises(EngineRefused, match="no float16; use autocast to bfloat16"),
    ):
        choose(MinGRU(3, 4), x, "native")
