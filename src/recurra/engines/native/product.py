"""Products of large matrices, by whichever of torch's libraries uses all of the processor.

On AMD's processors with AVX-512, MKL keeps to AVX2, half as wide; oneDNN does not.
"""

from functools import cache

import torch
from torch import Tensor

from recurra.engines.native import library
from recurra.engines.native.memory import LARGE, fresh

SMALL = 1 << 20  # multiplications below which to ask oneDNN costs more than it saves
NARROW = 1 << 10  # numbers of a sum over all lines below which MKL is the faster


def product(
    a: Tensor, b: Tensor, *, bias: Tensor | None = None, out: Tensor | None = None
) -> Tensor:
    """Return a b + bias, in `out` where that is given.

    Args:
        a: [lines, depth]
        b: [depth, width]
        bias: [width]
        out: [lines, width], whose lines may be further apart.
    """
    lines, width = len(a), b.shape[1]
    if not _by_onednn(a, b):
        out = fresh(a, lines, width) if out is None else out
        return torch.mm(a, b, out=out) if bias is None else torch.addmm(bias, a, b, out=out)
    parts = _parts(a, b)
    if out is None and len(parts) == 1:
        return _linear(a, b, bias)
    # oneDNN writes to an array of torch's, whose new pages would cost as much as the product
    out = fresh(a, lines, width) if out is None else out
    for part in parts:
        out[part] = _linear(a[part], b, bias)
    return out


def add_product(out: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Add a b to `out`, and return it."""
    if not _by_onednn(a, b):
        return out.addmm_(a, b)
    for part in _parts(a, b):
        out[part] += _linear(a[part], b)
    return out


def transposed_product(a: Tensor, b: Tensor) -> Tensor:
    """Return aᵀ b, a sum over all lines, such as the gradient of W from those of x Wᵀ and x.

    Both of torch's libraries would first turn one side; where lines lie apart, oneDNN is slowest.
    Where the product is small MKL is the faster, and as exact if it is written as (bᵀ a)ᵀ: 16 × 4
    numbers over 16,384 lines are wrong by 4e-7, else by 4e-6.
    """
    if a.shape[1] * b.shape[1] < NARROW:
        return (b.T @ a).T
    return library.transposed_product(a, b)


def _parts(a: Tensor, b: Tensor) -> list[slice]:
    """Return parts of a's lines that, with their results, stay in a cache until they are copied."""
    line = max(*b.shape, 1) * a.itemsize
    each = max(1, LARGE // line)
    return [slice(start, start + each) for start in range(0, len(a), each)]


def _linear(a: Tensor, b: Tensor, bias: Tensor | None = None) -> Tensor:
    result: Tensor = torch.ops.mkldnn._linear_pointwise(a, b.T, bias, "none", [], "")
    return result


def _by_onednn(a: Tensor, b: Tensor) -> bool:
    return a.numel() * b.shape[1] >= SMALL and _mkl_is_half_as_wide()


@cache
def _mkl_is_half_as_wide() -> bool:
    return (
        library.vendor() == "amd"
        and torch.backends.cpu.get_cpu_capability() == "AVX512"
        and torch.backends.mkl.is_available()  # type: ignore[no-untyped-call]
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    )
