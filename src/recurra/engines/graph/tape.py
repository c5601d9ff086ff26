"""A CUDA graph's stand-in on the CPU: operations of torch on the memory that they were run on."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tag, Tensor
from torch._ops import OpOverload
from torch.utils._pytree import tree_map_only

from recurra.engines.graph.watch import Watch


class Tape(Watch):  # type: ignore[no-untyped-call]  # torch gives modes no types
    """Notes each operation while it is run; `replay` runs them again on the same memory.

    As a graph of CUDA it knows addresses, and neither modules nor Python: what moved, changed or
    was not copied in since shows as it would there. It is slow, and keeps all memory.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # nor here
        self.calls = list[tuple[OpOverload, Any, Any, Any]]()

    def __torch_dispatch__(
        self, func: OpOverload, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Run one operation of torch, and note it.

        Raises:
            EngineRefused: a recording could not repeat it.
        """
        given = _alias((args, kwargs or {}))
        result = super().__torch_dispatch__(func, types, args, kwargs)
        if Tag.inplace_view not in func.tags:  # no kernel: a tensor's shape alone
            self.calls.append((func, *given, _alias(result)))
        return result

    def replay(self) -> None:
        """Do all of it again."""
        with torch.no_grad():
            for func, args, kwargs, result in self.calls:
                again = func(*args, **kwargs)
                for old, new in zip(_tensors(result), _tensors(again), strict=True):
                    if old.data_ptr() != new.data_ptr():  # neither a view nor written in place
                        old.copy_(new)


def _alias(value: Any) -> Any:
    """Return tensors of their own on the same memory, whatever becomes of those given."""
    return tree_map_only(Tensor, Tensor.detach, value)


def _tensors(result: Any) -> Iterator[Tensor]:
    if isinstance(result, Tensor):
        yield result
    elif isinstance(result, tuple | list):
        for part in result:
            yield from _tensors(part)
