"""Products of large matrices are the same by all of torch's libraries, wherever their lines lie."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from recurra.engines.native import library
from recurra.engines.native.product import (
    _in_halves,
    add_product,
    linear,
    product,
    transposed_product,
)
from recurra.engines.native.rows import Rows
from recurra.errors import RecurraError
from tests.engines.test_native import poisoned  # noqa: F401  # a fixture

pytestmark = pytest.mark.skipif(library.missing() is not None, reason=str(library.missing()))
HALF = "recurra.engines.native.product._mkl_is_half_as_wide"


@pytest.fixture(params=["MKL", "oneDNN"])
def by(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take one of the two libraries on any machine."""
    if request.param == "oneDNN" and not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        pytest.skip("torch has no linear of oneDNN here")
    monkeypatch.setattr(HALF, lambda: request.param == "oneDNN")


def matrix(lines: int, width: int, *, apart: bool) -> Tensor:
    return torch.randn(lines, width + 5)[:, 2 : width + 2] if apart else torch.randn(lines, width)


def close(got: Tensor, want: Tensor) -> None:
    assert (got - want).abs().max() <= 2e-6 * want.abs().max()


@pytest.mark.usefixtures("by")
@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize(
    ("lines", "depth", "width"), [(9000, 33, 70), (1, 300, 300), (3001, 128, 384), (5, 3, 2)]
)
def test_products(lines: int, depth: int, width: int, apart: bool) -> None:
    torch.manual_seed(0)
    a, b, bias = matrix(lines, depth, apart=apart), torch.randn(width, depth).T, torch.randn(width)
    want = a.double() @ b.double()
    close(product(a, b), want)
    close(product(a, b.contiguous(), bias=bias), want + bias)
    out = matrix(lines, width, apart=apart)
    assert product(a, b, out=out) is out
    close(out, want)
    assert add_product(out, a, b) is out
    close(out, 2 * want)


@pytest.mark.usefixtures("by")
def test_no_lines() -> None:
    assert product(torch.zeros(0, 300), torch.zeros(300, 400)).shape == (0, 400)
    assert not transposed_product(torch.zeros(0, 300), torch.zeros(0, 400)).any()


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize(
    ("lines", "height", "width"), [(9000, 70, 33), (1, 300, 300), (255, 6, 200), (16_384, 16, 4)]
)
def test_sums_over_all_lines(lines: int, height: int, width: int, apart: bool) -> None:
    torch.manual_seed(0)
    a, b = (matrix(lines, n, apart=apart) for n in (height, width))
    close(transposed_product(a, b), a.double().T @ b.double())
    close(transposed_product(a.T.contiguous().T, b), a.double().T @ b.double())
    assert torch.equal(transposed_product(a, b), transposed_product(a, b))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (torch.zeros(3, 4).double(), torch.zeros(3, 4)),
        (torch.zeros(3, 4), torch.zeros(3, 4, device="meta")),
        (torch.zeros(3), torch.zeros(3, 4)),
        (torch.zeros(3, 4), torch.zeros(2, 4)),
        (torch.zeros(3, 0), torch.zeros(3, 4)),
    ],
)
def test_wrong_sides_are_refused(a: Tensor, b: Tensor) -> None:
    with pytest.raises(RecurraError):
        library.transposed_product(a, b)


@pytest.mark.usefixtures("poisoned")
@pytest.mark.parametrize("lengths", [[3, 0, 7, 1], [0, 0, 0, 0], [7, 7, 7, 7]])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rows_are_packed_and_put_back(lengths: list[int], dtype: torch.dtype) -> None:
    rows = Rows.of(4, 7, torch.tensor(lengths))
    x = torch.randn(7, 4, 3, dtype=dtype).transpose(0, 1).requires_grad_()
    lines = rows.pack(x)
    assert torch.equal(lines, torch.cat([x[b, :n] for b, n in enumerate(lengths)]))
    padded = rows.unpack(lines)
    inside = torch.arange(7) < torch.tensor(lengths)[:, None]
    assert torch.equal(padded, x * inside[..., None])
    (grad,) = torch.autograd.grad(padded.pow(3).sum(), x, create_graph=True)
    torch.testing.assert_close(grad, 3 * x**2 * inside[..., None])
    (second,) = torch.autograd.grad(grad.sum(), x)
    torch.testing.assert_close(second, 6 * x * inside[..., None])


@pytest.mark.parametrize("biased", [False, True])
def test_linear_is_torchs(biased: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        pytest.skip("torch has no linear of oneDNN here")
    monkeypatch.setattr(HALF, lambda: True)
    torch.manual_seed(0)
    x, weight = torch.randn(4, 130, 200), torch.randn(300, 200)
    sources = [x, weight, *([torch.randn(300)] if biased else [])]
    found = {}
    for name, dtype, function in (
        ("ours", torch.float32, linear),
        ("torch", torch.float64, torch.nn.functional.linear),
    ):
        given = [source.to(dtype).requires_grad_() for source in sources]
        y = function(*given)
        first = torch.autograd.grad(y.pow(3).sum(), given, create_graph=True)
        second = torch.autograd.grad(sum(g.pow(2).sum() for g in first), given)
        (plain,) = torch.autograd.grad(function(*given).sum(), given[:1])
        found[name] = [y, *first, *second, plain]
    for got, want in zip(found["ours"], found["torch"], strict=True):
        assert got.shape == want.shape
        assert (got - want).abs().max() <= 1e-5 * want.abs().max()
    assert "_Affine" in str(linear(x.requires_grad_(), weight).grad_fn.next_functions)
    with torch.autocast("cpu", torch.bfloat16):
        assert linear(x, weight).dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("text", "halves"),
    [
        ("vendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 17\n", True),
        ("vendor_id\t: AuthenticAMD\ncpu family\t: 26\ncpu family\t: 26\n", False),
        ("CPU architecture: 8\n", False),
        ("cpu family\t: unknown\n", False),
        (None, False),
    ],
)
def test_the_family_tells_how_wide_its_vectors_are(tmp_path: Path, text: str | None, halves: bool):
    about = tmp_path / "cpuinfo"
    if text is not None:
        about.write_text(text)
    assert _in_halves(about) is halves
