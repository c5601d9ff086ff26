"""A step of a graph whose call costs as little as its arithmetic allows."""

from typing import Any

import torch


class Function(torch.autograd.Function):
    """`torch.autograd.Function` without its look at `forward`'s signature: 50 µs at every call.

    torch looks for arguments left out, and there are none here. Not for what may be traced: there
    torch knows its own `apply` only.
    """

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Run `forward`, and put a step into the graph."""
        # private to torch: whether torch.func transforms, whose way is another, are at work
        if torch._C._are_functorch_transforms_active():
            return super().apply(*args)  # type: ignore[no-untyped-call]  # torch's has no types
        return super(torch.autograd.Function, cls).apply(*args)  # type: ignore[misc]  # it is of C
