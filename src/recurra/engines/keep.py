"""A loop over time that a graph keeps as one operation, for any number of steps."""

from collections.abc import Callable, Sequence
from typing import Any

from jaxtyping import Shaped
from torch import Tensor

from recurra import tree


def keep(
    step: Callable[..., tuple[Tensor, Any]],
    state: Any,
    given: Sequence[Shaped[Tensor, "batch time *features"]],
) -> tuple[Shaped[Tensor, "batch time *output"], Any]:
    """Return the outputs of a step at each time, and the state after the last.

    For `torch.export` alone: everywhere else a loop of Python is as good.

    Args:
        step: state, what is given at a time → output, next state.
        state: before the first step.
        given: sequences, each with a line for each step.
    """
    from torch._higher_order_ops.scan import scan  # torch has no other path to it

    def moved(before: list[Tensor], now: list[Tensor]) -> tuple[list[Tensor], Tensor]:
        y, after = step(tree.unflatten(state, before), *now)
        # no two results may be one tensor, nor two of what it begins from
        return [leaf.clone() for leaf in tree.leaves(after)], y.clone()

    begun = [leaf.clone() for leaf in tree.leaves(state)]
    last, outputs = scan(moved, begun, [lines.transpose(0, 1) for lines in given])
    return outputs.transpose(0, 1), tree.unflatten(state, list(last))
