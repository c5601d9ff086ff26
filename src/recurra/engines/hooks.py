"""Hooks of a cell: engines take its weights and steps apart, and never call it as a module.

So its hooks run here, once for a whole sequence: before it those that see (x, state), such as the
ones by which pruning and the older weight and spectral norms renew a weight; after it those that
see (outputs, last state) too.
"""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from torch.nn.modules import module as modules
from torch.nn.utils import parametrize

from recurra.cells.base import Cell
from recurra.errors import RecurraError

Run = Callable[[Tensor, Any], tuple[Tensor, Any]]


def hooked(cell: Cell[Any]) -> bool:
    """Return whether a cell has hooks or parametrizations."""
    return bool(
        cell._forward_pre_hooks
        or cell._forward_hooks
        or cell._backward_hooks
        or cell._backward_pre_hooks
        or "parametrizations" in cell._modules
    )


def observed(module: nn.Module) -> bool:
    """Return whether hooks, its own or those of all modules, would see a call of a module."""
    own = (
        module._forward_pre_hooks,
        module._forward_hooks,
        module._backward_pre_hooks,
        module._backward_hooks,
    )
    # private to torch, which asks it at every call of a module
    return any(own) or bool(modules._has_any_global_hook())  # type: ignore[no-untyped-call]


def renews(hook: object) -> bool:
    """Return whether a hook renews a weight: pruning's, the older weight and spectral norms'."""
    return type(hook).__module__.startswith("torch.nn.utils.")


def renew(module: nn.Module) -> None:
    """Run the hooks that renew a weight, as in evaluation, of a module that is read, not called."""
    training = module.training
    module.training = False  # in training, a spectral norm would take a step
    try:
        for hook in filter(renews, module._forward_pre_hooks.values()):
            hook(module, ())
    finally:
        module.training = training


def around(cell: Cell[Any], run: Run, x: Tensor, state: Any) -> tuple[Tensor, Any]:
    """Return `run(x, state)`, with the cell's hooks before and after it.

    A parametrized weight is computed once, not at every step.

    Raises:
        RecurraError: the cell has backward hooks, which have no place in a fused sequence.
    """
    if cell._backward_hooks or cell._backward_pre_hooks:
        raise RecurraError(
            f"{type(cell).__name__} has backward hooks, which no engine runs; "
            "register them on the layer around it"
        )
    arguments: tuple[Any, ...] = (x, state)
    for key, before in cell._forward_pre_hooks.items():
        if key in cell._forward_pre_hooks_with_kwargs:
            # torch's type of a hook does not tell the two kinds apart
            changed: Any = before(cell, arguments, {})
            changed = None if changed is None else changed[0]
        else:
            changed = before(cell, arguments)
        if changed is not None:
            arguments = changed if isinstance(changed, tuple) else (changed, state)
    with parametrize.cached():
        # now, with the graph that is wanted: an engine may look at a weight without one first
        for name in getattr(cell, "parametrizations", ()):
            getattr(cell, name)
        result = run(*arguments)
    for key, after in cell._forward_hooks.items():
        if key in cell._forward_hooks_with_kwargs:
            seen: Any = after(cell, arguments, {}, result)
        else:
            seen = after(cell, arguments, result)
        result = result if seen is None else seen
    return result
