"""Tensors whose last byte is followed by a page that no one may touch."""

import ctypes
import mmap

import torch
from torch import Tensor

PAGE = mmap.PAGESIZE
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


class Block:
    """Memory of whole pages, the last of which is out of reach."""

    def __init__(self, pages: int) -> None:
        self.bytes = pages * PAGE
        self.memory = mmap.mmap(-1, self.bytes + PAGE)
        at = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        if LIBC.mprotect(at + self.bytes, PAGE, 0) != 0:
            raise OSError(ctypes.get_errno(), "mprotect")


BLOCKS: dict[tuple[int, int], Block] = {}


def guarded(tensor: Tensor, slot: int) -> Tensor:
    """Return a copy that ends where a page begins that no one may touch.

    Args:
        tensor: what is copied.
        slot: which of the blocks of this size; those of one call differ.
    """
    size = tensor.numel() * tensor.itemsize
    if size == 0:
        return tensor
    pages = -(-size // PAGE)
    block = BLOCKS.setdefault((pages, slot), Block(pages))
    copy = torch.frombuffer(
        block.memory, dtype=tensor.dtype, count=tensor.numel(), offset=block.bytes - size
    )
    copy = copy.view(tensor.shape)
    copy.copy_(tensor.detach())
    return copy.requires_grad_(tensor.requires_grad)
