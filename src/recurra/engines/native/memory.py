"""Memory of large arrays, used again: new pages cost as much as the arithmetic that fills them.

malloc takes every array of 32 MiB from the system and gives it back, smaller ones now and then; at
its first touch each page of 4 KiB is a fault and is filled with zeros: 13 ms for 32 MiB. Here an
array that is gone leaves its memory, on large pages where there are some, to the next like it.
"""

import ctypes
import mmap
from collections import deque
from contextlib import suppress
from math import prod
from weakref import finalize

import torch
from torch import Tensor

LARGE = 1 << 21  # bytes from which an array comes from here
LARGEST = 1 << 26  # bytes up to which its memory is kept
KEPT = 1 << 29  # bytes that are kept in all
# A finaliser may run at any moment, in any thread: only calls that are atomic touch this.
_waiting: deque[mmap.mmap] = deque(maxlen=64)


def fresh(like: Tensor, *sizes: int, dtype: torch.dtype | None = None) -> Tensor:
    """Return a new array of `like`'s type, or of `dtype`, that nothing was written to."""
    dtype = like.dtype if dtype is None else dtype
    size = prod(sizes) * dtype.itemsize
    if size < LARGE or not like.is_cpu:
        return like.new_empty(sizes, dtype=dtype)
    block = _take(size)
    buffer = (ctypes.c_char * size).from_buffer(block)
    finalize(buffer, _give_back, block).atexit = False
    # torch holds `buffer` for as long as any tensor lies on it
    array = torch.frombuffer(buffer, dtype=dtype).view(sizes)
    # torch gives it no type
    poisons = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    if poisons and torch.are_deterministic_algorithms_enabled():
        array.fill_(torch.nan)  # as torch.empty does then
    return array


def _take(size: int) -> mmap.mmap:
    """Return a block that waits and is at most a quarter too large, or a new one."""
    size = -(-size // LARGE) * LARGE  # large pages are of this size
    with suppress(IndexError):  # none waits any longer
        for _ in range(len(_waiting)):
            block = _waiting.popleft()
            if size <= len(block) <= size * 5 // 4:
                return block
            _waiting.append(block)
    block = mmap.mmap(-1, size)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        block.madvise(mmap.MADV_HUGEPAGE)
    return block


def _give_back(block: mmap.mmap) -> None:
    if len(block) > LARGEST:
        return
    _waiting.append(block)
    with suppress(IndexError):  # the oldest go; others may have taken them meanwhile
        while sum(map(len, tuple(_waiting))) > KEPT:
            _waiting.popleft()
