"""What reaches a recurrent part of a model when the model is called."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from recurra.cells.base import Cell
from recurra.errors import InputError
from recurra.init.parts import parts, suffixes
from recurra.layers.conversion import from_torch
from recurra.layers.recurrent import Recurrent

WHOLE = nn.RNN, nn.LSTM, nn.GRU


def heard(model: nn.Module, given: tuple[Any, ...], index: int, name: str) -> Tensor:
    """Return what the part of this index reads, [rows time input], when the model is called.

    Raises:
        ValueError: it reads nothing, or what is no full batch of sequences.
    """
    x: Any = next(iter(given), None)
    if not isinstance(model, Cell):
        x = _recorded(model, given)[index]
    if not isinstance(x, Tensor) or x.dim() != 3 or not x.numel():
        kind = f"{list(x.shape)}" if isinstance(x, Tensor) else type(x).__name__
        raise InputError(
            f"critical: {name} was given {kind}, not rows of steps, when the model was called; "
            "give what the model reads: full rows, [batch time input]"
        )
    return x.detach()


def _recorded(model: nn.Module, given: tuple[Any, ...]) -> list[Any]:
    """Return what each part reads; None where it is not called."""
    calls: dict[nn.Module, list[Any]] = {}

    def keep(module: nn.Module, arguments: tuple[Any, ...]) -> None:
        calls.setdefault(module, []).append(arguments[0] if arguments else None)

    owners: dict[nn.Module, nn.Module] = {
        module.cell: module for module in model.modules() if isinstance(module, Recurrent)
    }
    watched = {owners.get(part.owner, part.owner): None for part in parts(model)}
    hooks = [module.register_forward_pre_hook(keep) for module in watched]
    training = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.no_grad(), torch.random.fork_rng():
            model(*given)
    finally:
        for hook in hooks:
            hook.remove()
        for module, mode in training.items():
            module.training = mode
    found = list[Any]()
    done = set[nn.Module]()
    for part in parts(model):
        owner = owners.get(part.owner, part.owner)
        if isinstance(owner, WHOLE):
            if owner not in done:
                done.add(owner)
                found += _inside(owner, calls.get(owner, [None])[0])
        elif isinstance(owner, Recurrent):
            found.append(calls.get(owner, [None])[0])
        else:  # a cell, called step by step
            steps = calls.get(owner, [None])
            full = all(isinstance(step, Tensor) and step.dim() == 2 for step in steps)
            found.append(torch.stack(steps, 1) if full else steps[0])
    return found


def _inside(module: nn.RNNBase, x: Any) -> list[Any]:
    """Return what each depth and direction of a `torch.nn` module reads."""
    if not isinstance(x, Tensor):
        return [x] * len(suffixes(module))
    if x.dim() == 3 and not module.batch_first:
        x = x.transpose(0, 1)
    return _recorded(from_torch(module), (x[None] if x.dim() == 2 else x,))
