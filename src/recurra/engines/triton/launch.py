"""One launch of a recurrent kernel for all steps, or one for each."""

from typing import Any

import torch
from torch import Tensor

from recurra.engines.base import Lengths
from recurra.engines.triton.plan import STAGES, chip, plan


def launch(
    kernel: Any,
    from_state: Tensor,
    lengths: Lengths,
    sizes: tuple[int, int],
    tensors: list[Tensor],
    **compiled: Any,
) -> None:
    """Run `forward` or `backward` of the recurrent kernels.

    Args:
        kernel: which of them.
        from_state: U, in the type of the products.
        lengths: steps of each row; None: all.
        sizes: rows, steps.
        tensors: what the kernel reads and writes beside these, in its order.
        compiled: what the kernel is compiled for, beside its plan.
    """
    batch, time = sizes
    gates, back = compiled["GATES"], "GRADS_LINE" in compiled
    heads, size = from_state.shape[1] if from_state.dim() == 4 else 1, from_state.shape[-1]
    device = from_state.device
    how = plan(
        batch,
        heads,
        size,
        gates * size if back else size,
        1 if back else compiled["PADDED"],
        from_state.itemsize,
        chip(device),
    )
    meet = how.persistent and how.members > 1
    programs = how.teams * heads * how.members
    wide = device.type == "cpu" and from_state.dtype == torch.bfloat16
    counters = torch.zeros(how.teams * heads * 32 if meet else 1, dtype=torch.int32, device=device)
    steps = [(0, time)] if how.persistent else [(t, t + 1) for t in range(time)]
    for top in range(0, batch, how.teams * how.share):
        counters.zero_()
        for begin, end in reversed(steps) if back else steps:
            kernel[(programs,)](
                from_state.contiguous(), lengths, *tensors, counters,
                batch, time, top, how.share, how.members, begin, end,
                SIZE=size, HEADS=heads, RAGGED=lengths is not None, MEET=meet,
                RESIDENT=how.resident, ROWS=how.rows, COLUMNS=how.columns, SPLIT=how.split,
                DEPTH=how.depth, STAGES=STAGES, WIDE=wide,
                num_warps=how.warps, num_stages=1, launch_cooperative_grid=meet, **compiled,
            )  # fmt: skip  # sizes, what is compiled, how it runs
