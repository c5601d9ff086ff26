"""The native library: found beside the package, loaded at first use, called on raw pointers."""

import ctypes
import os
import sys
import sysconfig
from contextlib import suppress
from ctypes import c_char_p, c_float, c_int, c_int64, c_void_p
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from recurra.errors import RecurraError
from recurra.inputs import impure

VERSION = 4  # of the C interface that is called here
SUFFIX = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")
NOT_BUILT = "the native library is not built here: no C++ compiler was found at install"
MOST_THREADS = 1 << 10  # as in status.h
PAUSE_SOFT = 1  # of OpenMP 5.0, section 3.2.43
FORMATS = {torch.float32: 0, torch.bfloat16: 2}  # as in recurra.h
PLACE = ctypes.c_float()  # stands for arrays without numbers, whose pointer torch has as null

# numbers and arrays of each function, after (rows, width, threads)
FUNCTIONS = {
    "pack": (1, 2),
    "unpack": (1, 2),
    "scan_forward": (1, 4),
    "scan_backward": (1, 7),
    "recurrent_forward": (5, 9),
    "recurrent_backward": (4, 15),
    "indrnn_forward": (0, 5),
    "indrnn_backward": (0, 8),
    "pool_forward": (0, 5),
    "pool_backward": (0, 8),
    "mlstm_forward": (2, 9),
    "mlstm_backward": (2, 14),
}


class Rows(ctypes.Structure):
    """`recurra_rows`: where the steps of each sequence lie."""

    _fields_ = (
        ("rows", c_int64),
        ("lines", c_int64),
        ("stride", c_int64),
        ("offset", c_void_p),
        ("length", c_void_p),
    )


def missing() -> str | None:
    """Return None where the library can be used, or why it cannot."""
    return None if _find() is not None else NOT_BUILT


def isa() -> str:
    """Return whose kernels run: baseline, avx2, avx512, avx512bf16, amx or neon."""
    name: bytes = _load().recurra_selected()
    return name.decode()


def wide_isa() -> str:
    """Return whose kernels of float32 run: those that multiply bfloat16 are avx512's otherwise."""
    return "avx512" if multiplies_bfloat16() else isa()


@cache
def multiplies_bfloat16() -> bool:
    """Return whether these kernels multiply in 16 bits, rather than widen to float32 before."""
    return missing() is None and bool(_load().recurra_multiplies_bfloat16())


def vendor() -> str:
    """Return who made the processor: amd, intel, or nothing for others."""
    name: bytes = _load().recurra_vendor()
    return name.decode()


def call(
    function: str,
    lines: int,
    stride: int,
    offsets: Tensor,
    lengths: Tensor,
    width: int,
    *arguments: int | Tensor | ctypes.Array[Any] | None,
) -> None:
    """Call a kernel on as many threads as torch uses.

    Args:
        function: its name in recurra.h, without the prefix.
        lines: steps of all rows together, the first axis of sequences.
        stride: lines from one step of a row to the next.
        offsets: each row's first line, int64.
        lengths: each row's steps, int64.
        width: the state's width.
        arguments: the rest, in the order of recurra.h. Arrays are contiguous float32 on the CPU,
            None where the kernel has no use for one; some are read, others filled. Arrays of
            structures are passed as they are, and so are addresses (`at`): of arrays that the
            caller has made or checked.
    Raises:
        RecurraError: an array is of another dtype, device or layout, or the library refuses.
    """
    for array in (offsets, lengths, *arguments):
        if not isinstance(array, Tensor):
            continue
        wanted = torch.int64 if array is offsets or array is lengths else torch.float32
        if array.dtype != wanted or not array.is_cpu or not array.is_contiguous():
            raise RecurraError(
                f"{function} takes contiguous {wanted} on cpu; got {array.dtype} on "
                f"{array.device}, strides {array.stride()}"
            )
        if reason := impure(array):
            raise RecurraError(f"{function}: {reason}")
    rows = Rows(len(offsets), lines, stride, offsets.data_ptr(), lengths.data_ptr())
    values = [at(value) if isinstance(value, Tensor) else value for value in arguments]
    code = _function(function)(ctypes.byref(rows), width, threads(), *values)
    if code:
        raise RecurraError(f"{function}: {describe(code)}")


def transposed_product(a: Tensor, b: Tensor) -> Tensor:
    """Return aᵀ b, a sum of outer products over the lines of [lines, height] and [lines, width].

    Raises:
        RecurraError: an array is of another dtype, device or layout, or the sizes differ.
    """
    for array in (a, b):
        if array.dtype != torch.float32 or not array.is_cpu or array.dim() != 2:
            raise RecurraError(
                f"a product takes two matrices of torch.float32 on cpu; got {array.dtype} on "
                f"{array.device}, {list(array.shape)}"
            )
    if len(a) != len(b):
        raise RecurraError(f"there are {len(a)} lines to multiply by {len(b)}")
    a, b = (array if array.stride(1) == 1 else array.contiguous() for array in (a, b))
    out = a.new_empty(a.shape[1], b.shape[1])
    one, other = ((at(x), x.stride(0), x.shape[1]) for x in (a, b))
    code = _load().recurra_transposed_product(len(a), threads(), *one, *other, at(out))
    if code:
        raise RecurraError(f"transposed_product: {describe(code)}")
    return out


def threads() -> int:
    """Return as many threads as torch uses, or the most that the library takes."""
    return min(torch.get_num_threads(), MOST_THREADS)


def at(array: Tensor) -> int:
    """Return where an array lies; a null pointer is left to the library, which refuses it."""
    return array.data_ptr() if array.numel() else ctypes.addressof(PLACE)


def find(function: str, *arguments: Any) -> Any:
    """Return a function of recurra.h, named without the prefix, that takes these types."""
    found = getattr(_load(), f"recurra_{function}")
    found.argtypes = arguments
    return found


def describe(code: int) -> str:
    """Return the text of a code that a function returned."""
    text: bytes = _load().recurra_text(code)
    return text.decode()


def triad(a: Tensor, b: Tensor, c: Tensor) -> None:
    """Write b + 2 c into a, past the caches: the measure of the memory's bandwidth.

    McCalpin 1995, "Memory bandwidth and machine balance in current high performance computers".

    Raises:
        RecurraError: an array is of another dtype, device, size or layout.
    """
    arrays = (a, b, c)
    for array in arrays:
        if array.dtype != torch.float32 or not array.is_cpu or not array.is_contiguous():
            raise RecurraError("triad takes contiguous torch.float32 on cpu")
    if not a.numel() == b.numel() == c.numel():
        raise RecurraError(f"triad takes arrays of one size; got {[x.numel() for x in arrays]}")
    _load().recurra_triad(a.numel(), threads(), 2.0, *(x.data_ptr() for x in (b, c, a)))


@cache
def _function(name: str) -> Any:
    return getattr(_load(), f"recurra_{name}")


@cache
def _find() -> Path | None:
    """Return the library's file: beside this one, or where an editable install put it."""
    # an import hook may hide the second folder of an editable package
    installed = Path(sysconfig.get_path("platlib")).joinpath(*__package__.split("."))
    for folder in [*map(Path, sys.modules[__package__].__path__), installed]:
        path = folder / f"librecurra{SUFFIX}"
        if path.exists():
            return path
    return None


@cache
def _load() -> ctypes.CDLL:
    path = _find()
    if path is None:
        raise RecurraError(NOT_BUILT)
    library = ctypes.CDLL(str(path))
    for text in (library.recurra_text, library.recurra_selected, library.recurra_vendor):
        text.restype = c_char_p
    library.recurra_select.argtypes = [c_char_p]
    side: list[Any] = [c_void_p, c_int64, c_int64]
    library.recurra_transposed_product.argtypes = [c_int64, c_int, *side, *side, c_void_p]
    library.recurra_triad.argtypes = [c_int64, c_int, c_float, c_void_p, c_void_p, c_void_p]
    if library.recurra_version() != VERSION:
        raise RecurraError(f"{path} is of another version of recurra: install recurra again")
    for name, (numbers, arrays) in FUNCTIONS.items():
        function = getattr(library, f"recurra_{name}")
        function.argtypes = [c_void_p, c_int64, c_int, *[c_int] * numbers, *[c_void_p] * arrays]
    wanted = os.environ.get("RECURRA_ISA")
    code = library.recurra_select(wanted.encode() if wanted else None)
    if code:
        raise RecurraError(f"RECURRA_ISA is {wanted!r}: {library.recurra_text(code).decode()}")
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=partial(_dismiss_threads, library))
    return library


def _dismiss_threads(library: ctypes.CDLL) -> None:
    """End OpenMP's idle threads, torch's too: both start new ones when they need them.

    A child of `fork` has none of its parent's threads, and libgomp would wait for them forever.
    """
    with suppress(AttributeError):  # built without OpenMP, or with one older than version 5
        library.omp_pause_resource_all(PAUSE_SOFT)
