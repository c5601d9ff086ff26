"""Products of large matrices, by whichever of torch's libraries uses all of the processor.

On AMD's processors with AVX-512, MKL keeps to AVX2, half as wide; oneDNN does not. It makes a plan
for each shape that it meets, which costs more than a batch's product: so it is given few shapes.
Before Zen 5, AVX-512 runs in two halves there and is no faster: all is left to MKL.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from recurra.cells.base import lift
from recurra.engines.base import traced
from recurra.engines.function import Function
from recurra.engines.native import library
from recurra.engines.native.memory import LARGE, fresh
from recurra.inputs import impure, transformed

SUMMED = 1 << 11  # lines whose products are summed up before they are rounded
WORTH_ROUNDING = 1 << 20  # multiplications from which bfloat16 is faster than float32
FEW = 32  # lines that are left to MKL
ZEN_5 = 26  # family of AMD's processors whose AVX-512 is as wide as its name
NARROW = 1 << 10  # numbers of a sum over all lines below which MKL is the faster
WORTH = 1 << 24  # multiplications of a `linear` that are worth a step of Python in the graph


def rounded(a: Tensor, dtype: torch.dtype) -> Tensor:
    """Return `a` as a factor of this type: itself, or rounded to bfloat16."""
    return a if a.dtype == dtype else fresh(a, *a.shape, dtype=dtype).copy_(a)


def product(
    a: Tensor, b: Tensor, *, bias: Tensor | None = None, out: Tensor | None = None
) -> Tensor:
    """Return a b + bias, in `out` where that is given.

    Args:
        a: [lines, depth], float32, or bfloat16, to which b is rounded then, too. Sums are float32;
            those of bfloat16 are rounded once more where they are many, as torch rounds them.
        b: [depth, width]
        bias: [width]
        out: float32 [lines, width], whose lines may be further apart.
    """
    out = fresh(a, len(a), b.shape[1], dtype=torch.float32) if out is None else out
    if a.dtype == torch.bfloat16:
        return _narrow_product(a, b, bias, out, add=False)
    for part, plan in _parts(a, b):
        if plan:  # copied while in cache: torch's new pages would cost as much as the product
            out[part] = _planned(a[part], b, bias)
        elif bias is None:
            torch.mm(a[part], b, out=out[part])
        else:
            torch.addmm(bias, a[part], b, out=out[part])
    return out


def add_product(out: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Add a b to `out`, and return it."""
    if a.dtype == torch.bfloat16:
        return _narrow_product(a, b, None, out, add=True)
    for part, plan in _parts(a, b):
        if plan:
            out[part] += _planned(a[part], b)
        else:
            out[part].addmm_(a[part], b)
    return out


def transposed_product(a: Tensor, b: Tensor) -> Tensor:
    """Return aᵀ b, a sum over all lines, such as the gradient of W from those of x Wᵀ and x.

    Both of torch's libraries would first turn one side; where lines lie apart, oneDNN is slowest.
    Where the product is small MKL is the faster, and as exact if it is written as (bᵀ a)ᵀ: 16 × 4
    numbers over 16,384 lines are wrong by 4e-7, else by 4e-6.
    """
    if a.dtype == torch.bfloat16:
        return _narrow_transposed_product(a, b)
    if a.shape[1] * b.shape[1] < NARROW:
        return (b.T @ a).T
    return library.transposed_product(a, b)


def _narrow_product(a: Tensor, b: Tensor, bias: Tensor | None, out: Tensor, *, add: bool) -> Tensor:
    few, narrow = lift(b), rounded(b, torch.bfloat16)
    for part, plan in _parts(a, b):
        found = torch.mm(a[part], narrow) if plan else lift(a[part]) @ few
        if add:
            out[part] += found
        elif bias is None:
            out[part] = found
        else:
            torch.add(found, bias, out=out[part])
    return out


def _narrow_transposed_product(a: Tensor, b: Tensor) -> Tensor:
    """Return sums over parts of the lines, each rounded once, added up in float32."""
    if len(a) * a.shape[1] * b.shape[1] < WORTH_ROUNDING:
        return transposed_product(lift(a), lift(b))
    out = a.new_zeros(a.shape[1], b.shape[1], dtype=torch.float32)
    for start in range(0, len(a), SUMMED):
        part = slice(start, start + SUMMED)
        out += torch.mm(a[part].T, b[part])
    return out


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return x Wᵀ + b, as `torch.nn.functional.linear` does."""
    if traced() or transformed() or x.numel() * len(weight) < WORTH or not _mkl_is_half_as_wide():
        return nn.functional.linear(x, weight, bias)
    tensors = [tensor for tensor in (x, weight, bias) if tensor is not None]
    plain = all(t.dtype == torch.float32 and t.is_cpu and not impure(t) for t in tensors)
    if not plain or torch.is_autocast_enabled("cpu") or x.shape[-1] != weight.shape[-1]:
        return nn.functional.linear(x, weight, bias)
    y: Tensor = _Affine.apply(x.flatten(0, -2), weight, bias)
    return y.view(*x.shape[:-1], len(weight))


class _Affine(Function):
    """x Wᵀ + b over lines."""

    @staticmethod
    def forward(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return product(x, weight.T, bias=bias)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.save_for_backward(*inputs[:2])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        of_x, of_weight, of_bias = ctx.needs_input_grad
        # a gradient of this gradient is wanted, or several gradients at once
        again = torch.is_grad_enabled() or transformed()
        return (
            (grad @ weight if again else product(grad, weight)) if of_x else None,
            (grad.T @ x if again else transposed_product(grad, x)) if of_weight else None,
            grad.sum(0) if of_bias else None,
        )


def _parts(a: Tensor, b: Tensor) -> Iterator[tuple[slice, bool]]:
    """Yield parts of a's lines, and whether they are oneDNN's.

    Those are of powers of two, and stay in a cache with their results.
    """
    start, lines = 0, len(a)
    narrow = a.dtype == torch.bfloat16 and lines * b.numel() >= WORTH_ROUNDING
    if narrow or (a.dtype == torch.float32 and _mkl_is_half_as_wide()):
        size = 1 << (LARGE // a.itemsize // max(*b.shape, 1)).bit_length() - 1
        while size >= FEW:
            for _ in range((lines - start) // size):
                yield slice(start, start + size), True
                start += size
            size //= 2
    if start < lines or lines == 0:
        yield slice(start, lines), False


def _planned(a: Tensor, b: Tensor, bias: Tensor | None = None) -> Tensor:
    result: Tensor = torch.ops.mkldnn._linear_pointwise(a, b.T, bias, "none", [], "")
    return result


@cache
def _mkl_is_half_as_wide() -> bool:
    return (
        library.missing() is None
        and library.vendor() == "amd"
        and not _in_halves()
        and torch.backends.cpu.get_cpu_capability() == "AVX512"
        # torch gives it no types
        and torch.backends.mkl.is_available()  # type: ignore[no-untyped-call]
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    )


def _in_halves(about: Path = Path("/proc/cpuinfo")) -> bool:
    """Return whether the processor is known to be of a family before Zen 5's, 26."""
    try:
        lines = about.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):  # not Linux
        return False
    found = [line.partition(":")[2] for line in lines if line.startswith("cpu family")]
    return bool(found) and found[0].strip().isdecimal() and int(found[0]) < ZEN_5
