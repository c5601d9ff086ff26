"""What a step does, looked at before it is recorded: a graph replays kernels, and nothing else."""

from typing import Any

import torch
from torch import Tag, Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

from recurra.errors import EngineRefused

MOVES = (torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default)


class Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch gives it no types
    """Refuses, where it happens, what a recording could not repeat."""

    def __torch_dispatch__(
        self, func: OpOverload, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Run one operation of torch.

        Raises:
            EngineRefused: a recording could not repeat it.
        """
        kwargs = kwargs or {}
        if reason := unrecordable(func, args, kwargs):
            raise EngineRefused(reason)
        return func(*args, **kwargs)


def unrecordable(func: OpOverload, args: Any, kwargs: Any) -> str | None:
    """Return why one operation of torch cannot be recorded, or None."""
    name = str(func.overloadpacket)
    if Tag.nondeterministic_seeded in func.tags:
        return f"its step draws random numbers ({name}), and a recording would repeat them"
    if Tag.data_dependent_output in func.tags or _shaped_by_numbers(func, args):
        return f"its step waits for numbers of a tensor ({name}), and a recording does not wait"
    if func in MOVES:
        places = {part.device.type for part in args if isinstance(part, Tensor)}
        places |= {torch.device(kwargs["device"]).type} if kwargs.get("device") else set()
        if len(places) > 1:
            return f"its step moves numbers from {' to '.join(sorted(places))}"
    return None


def _shaped_by_numbers(func: OpOverload, args: Any) -> bool:
    if Tag.dynamic_output_shape not in func.tags:
        return False
    if func is not torch.ops.aten.index.Tensor:
        return True
    return any(index is not None and index.dtype in (torch.bool, torch.uint8) for index in args[1])
