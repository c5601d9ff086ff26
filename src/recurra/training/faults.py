"""Where a number stopped being finite: the layer, and the rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from recurra.diagnostics.diagnose import measure
from recurra.diagnostics.trace import Fault
from recurra.errors import RecurraError

ROWS_NAMED = 5


def blame(network: nn.Module, total: Callable[[], Tensor], *, backward: bool) -> str | None:
    """Return the first place in `network` where a number is not finite, while `total` runs.

    Looks at weights, then at what goes into and comes out of each module, in the order of the
    computation, then (`backward`) at gradients, in the order of back-propagation.
    """
    found: list[str] = []

    def note(tree: Any, place: str) -> None:
        if not found and not all(bool(torch.isfinite(t).all()) for t in _reals(tree)):
            found.append(place)

    for name, parameter in network.named_parameters():
        note(parameter, f"the weight {name}")
    hooks = []
    for name, module in network.named_modules():
        path = f"{name or 'the network'} ({type(module).__name__})"

        def before(_: nn.Module, inputs: Any, path: str = path) -> None:
            note(inputs, f"the input of {path}")

        def after(_: nn.Module, __: Any, output: Any, path: str = path) -> None:
            note(output, f"the output of {path}")
            for tensor in _reals(output) if backward else ():
                if tensor.requires_grad:
                    place = f"the gradient at the output of {path}"
                    # torch gives `register_hook` no types
                    tensor.register_hook(partial(note, place=place))  # type: ignore[no-untyped-call]

        hooks += [module.register_forward_pre_hook(before), module.register_forward_hook(after)]
        for own, parameter in module.named_parameters(recurse=False):
            if backward and parameter.requires_grad:
                place = f"the gradient of {own} in {path}"
                hooks.append(parameter.register_hook(partial(note, place=place)))
    try:
        if not found:
            loss = total()
            note(loss, "the loss itself")
            if backward and not found:
                torch.autograd.backward(loss)
    finally:
        for hook in hooks:
            hook.remove()
    return found[0] if found else None


def bad_rows(
    network: nn.Module, rows: Sequence[int], total: Callable[[int], Tensor], *, backward: bool
) -> list[int]:
    """Return the rows whose own loss (or, `backward`, own gradient) is not finite."""
    bad = []
    for row in rows:
        network.zero_grad()
        loss = total(row)
        finite = bool(torch.isfinite(loss))
        if finite and backward:
            torch.autograd.backward(loss)
            finite = all(
                bool(torch.isfinite(p.grad).all())
                for p in network.parameters()
                if p.grad is not None
            )
        if not finite:
            bad.append(row)
    network.zero_grad()
    return bad


def in_time(network: nn.Module, total: Callable[[], Tensor], step: int, row: int) -> Fault | None:
    """Return where in a recurrent layer's sequence a number is first not finite, as `total` runs.

    Args:
        network: what was trained.
        total: the loss of the row alone.
        step: of training.
        row: of the training part.
    Returns:
        None where no recurrent layer meets such a number, or there is none.
    """
    try:
        found = measure(network, None, lambda *_: total(), probes=1, count=0, remember=False)
    except RecurraError:
        return None
    if found.fault is None or found.fault.time is None:
        return None
    return found.fault._replace(step=step, row=row)


def named(bad: Sequence[int], of: int, describe: Callable[[int], str] | None) -> str:
    """Return rows in words: the first few by name, how many more, or that it is all of them."""
    if not bad:
        return "no row alone"
    names = [describe(row) if describe else f"row {row}" for row in bad[:ROWS_NAMED]]
    more = f" and {len(bad) - ROWS_NAMED} more" if len(bad) > ROWS_NAMED else ""
    every = f"all {of} rows, among them " if len(bad) == of > 1 else ""
    return every + ", ".join(names) + more


def _reals(tree: Any) -> list[Tensor]:
    if isinstance(tree, Tensor):
        return [tree] if tree.is_floating_point() or tree.is_complex() else []
    if isinstance(tree, dict):
        return _reals(tuple(tree.values()))
    if isinstance(tree, (tuple, list)):
        return [tensor for part in tree for tensor in _reals(part)]
    return []
