"""Whether a tensor's memory holds its numbers as they are, and what is at work around it."""

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

PLAIN = (Tensor, nn.Parameter)

VMAP = torch._C._dispatch_key_parse("VmapMode")
_dispatches = torch._C._dispatch_tls_is_dispatch_key_included


def jit_traced() -> bool:
    """Return whether `torch.jit.trace` is at work, for which a size is no number."""
    return not torch.compiler.is_compiling() and torch._C._get_tracing_state() is not None


def transformed() -> bool:
    """Return whether a transform of torch.func, a forward derivative or a vmap is at work."""
    if torch._C._are_functorch_transforms_active() or forward_ad._current_level >= 0:
        return True
    # the older vmap, of `is_grads_batched`
    return not torch.compiler.is_compiling() and _dispatches(VMAP)


def impure(tensor: Tensor) -> str | None:
    """Return why a tensor's memory does not hold its numbers as they are, or None."""
    if type(tensor) not in PLAIN:
        return f"a {type(tensor).__name__} is no plain tensor"
    if tensor.layout is not torch.strided or tensor.is_nested:
        return f"a tensor of layout {tensor.layout} is not dense"
    if torch._C._functorch.is_functorch_wrapped_tensor(tensor):
        return "a tensor within a transform of torch.func has no memory of its own"
    if tensor.is_neg() or tensor.is_conj():
        return "a tensor's sign is still to be turned (resolve_neg, resolve_conj)"
    if not torch._C._has_storage(tensor):
        return "a tensor has no memory"
    if tensor.numel() and tensor.untyped_storage().nbytes() < _bytes(tensor):
        return "a tensor's memory was freed or shortened"
    return None


def _bytes(tensor: Tensor) -> int | torch.SymInt:
    """Return the bytes of memory in which all of a tensor's numbers lie."""
    if tensor.is_contiguous():
        return (tensor.storage_offset() + tensor.numel()) * tensor.itemsize
    last = sum((n - 1) * step for n, step in zip(tensor.shape, tensor.stride(), strict=True))
    return (tensor.storage_offset() + last + 1) * tensor.itemsize


def readable(given: Tensor) -> bool:
    """Return whether numbers can be looked at without waiting for a device, or being frozen."""
    return (
        type(given) in PLAIN
        and given.is_cpu
        and not torch.compiler.is_compiling()
        and not transformed()
        and torch._C._get_tracing_state() is None
        and not torch._C._functorch.is_functorch_wrapped_tensor(given)
    )
