"""The recurrent parts of any model, as cells: what is set in them is set in the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from recurra.cells.base import Cell
from recurra.engines.hooks import renews
from recurra.errors import InputError, InputTypeError
from recurra.layers.conversion import cell_of, fill


class Part(NamedTuple):
    """One recurrence of a model.

    Args:
        name: the module's path, and for `torch.nn` depth and direction.
        owner: the module that a sequence, or its steps, are given to.
        cell: its cell, or one like it with a copy of its weights.
        write: hand the copy's weights back.
        made: why its weights cannot be set, or None.
    """

    name: str
    owner: nn.Module
    cell: Cell[Any]
    write: Callable[[], None]
    made: str | None

    def told(self, reason: str) -> str:
        """Return why it cannot be set, with its place in the model."""
        return f"{self.name}: {reason}" if self.name else reason


def parts(model: nn.Module) -> Iterator[Part]:
    """Yield the recurrent parts of a model, in the order of its modules.

    Raises:
        TypeError: it is no module.
        ValueError: an LSTM projects its output.
    """
    if not isinstance(model, nn.Module):
        raise InputTypeError(f"recurra.init takes a torch.nn.Module; got a {type(model).__name__}")
    for name, module in model.named_modules():
        if isinstance(module, Cell):
            yield Part(name, module, module, lambda: None, _made(module))
        elif isinstance(module, nn.RNN | nn.LSTM | nn.GRU):
            if module.proj_size:
                raise InputError(
                    f"{name or 'the LSTM'}: proj_size is {module.proj_size}, and no cell here "
                    "projects its output; set such a module's weights yourself"
                )
            for suffix in suffixes(module):
                yield _copied(module, suffix, f"{name}{suffix}".lstrip("_"), _made(module))
        elif isinstance(module, nn.RNNCell | nn.LSTMCell | nn.GRUCell):
            yield _copied(module, "", name, _made(module))


def suffixes(module: nn.RNNBase) -> list[str]:
    """Return what ends the names of each depth's and direction's weights, in torch's order."""
    directions = ["", "_reverse"] if module.bidirectional else [""]
    return [f"_l{depth}{end}" for depth in range(module.num_layers) for end in directions]


def each(
    model: nn.Module,
    owner: str,
    refuse: Callable[[Cell[Any]], str | None],
    act: Callable[[Cell[Any]], None],
) -> list[str]:
    """Set what can be set in a model; return the names of its parts that were.

    Args:
        model: any module.
        owner: who asks, for the error.
        refuse: why a cell has nothing to set, or None.
        act: set it.
    Raises:
        TypeError: the model is no module.
        ValueError: there is nothing to set in any part of it, or an LSTM projects its output.
    """
    done, reasons = list[str](), list[str]()
    with torch.no_grad():
        for part in parts(model):
            reason = part.made or refuse(part.cell)
            if reason is None:
                act(part.cell)
                part.write()
                done.append(part.name)
            else:
                reasons.append(part.told(reason))
    if not done:
        found = "; ".join(dict.fromkeys(reasons)) or "it holds no recurrent cell"
        raise InputError(f"{owner} has nothing to set: {found}")
    return done


def positive(owner: str, name: str, value: float) -> float:
    """Return a number above 0.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e30:
        raise InputError(f"{owner}: {name} is {value!r}; it is a number above 0")
    return float(value)


def _copied(module: Any, suffix: str, name: str, reason: str | None) -> Part:
    """Return a part of `torch.nn`: a bias that is changed lies wholly in `bias_ih` then."""
    with torch.random.fork_rng(devices=[]):
        cell = cell_of(module, suffix)
    before = [weight.detach().clone() for weight in cell.parameters()]

    def write() -> None:
        after = list(cell.parameters())
        moved = any(not _same(new, old) for new, old in zip(after[2:], before[2:], strict=True))
        if moved:
            fill(module, suffix, cell)
        else:  # its two biases stay apart
            module.get_parameter(f"weight_ih{suffix}").copy_(cell.from_input)
            module.get_parameter(f"weight_hh{suffix}").copy_(cell.from_state)

    return Part(name, module, cell, write, reason)


def _same(one: Tensor, other: Tensor) -> bool:
    return one.is_meta or torch.equal(one, other)


def _made(module: nn.Module) -> str | None:
    """Return why a module's weights cannot be set: others make them."""
    made = "parametrizations" in module._modules or any(
        map(renews, module._forward_pre_hooks.values())
    )
    return "its weights are made of others (pruned, normed or parametrized)" if made else None
