"""A state that is handed in, beside the one that its module begins from."""

from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from recurra import tree
from recurra.errors import InputError, InputTypeError
from recurra.inputs.memory import jit_traced
from recurra.inputs.values import Count, compare_kinds, has


class Seen(NamedTuple):
    """The kind of state that a module begins from: its type, and sizes beyond the batch."""

    type: type[Any]
    tails: list[torch.Size]


# what `state` compares with first: making an initial state costs more than a step
SEEN: WeakKeyDictionary[nn.Module, Seen] = WeakKeyDictionary()


def state(module: Any, given: Any, rows: Count, like: Tensor | None) -> None:
    """Check a state against the one that a cell begins from: structure, sizes, types, places.

    Args:
        module: the cell, or anything with `initial_state`.
        given: the state.
        rows: how many rows the input has.
        like: one of the module's weights.
    Raises:
        InputTypeError: its structure is another, or a leaf is no tensor.
        InputError: a leaf has another shape, type or place.
    """
    if jit_traced():
        return
    # under tracing, an initial state costs nothing, and a weak dictionary cannot be traced
    if not torch.compiler.is_compiling():
        seen = SEEN.get(module)
        if seen is not None and type(given) is seen.type and _as_seen(given, rows, seen, like):
            return
    expected = module.initial_state(rows)
    owner = type(module).__name__
    if structure(given) != structure(expected):
        raise InputTypeError(
            f"the state is {structure(given)}; {owner} takes {structure(expected)}"
        )
    for name, leaf, wanted in zip(
        tree.names(expected), tree.leaves(given), tree.leaves(expected), strict=True
    ):
        sizes = tuple(wanted.shape)
        if not isinstance(leaf, Tensor):
            raise InputTypeError(f"state {name} is a {type(leaf).__name__}; give a torch.Tensor")
        if not has(leaf, sizes):
            raise InputError(
                f"state {name} is {list(leaf.shape)}; for {rows} rows, {owner} takes {list(sizes)}"
            )
        if leaf.layout is not torch.strided or leaf.is_nested:
            raise InputError(f"state {name} has the layout {leaf.layout}; {owner} takes dense ones")
        if leaf.dtype != wanted.dtype or leaf.device != wanted.device:
            compare_kinds(owner, f"state {name}", leaf, wanted)
    if like is not None and not torch.compiler.is_compiling() and _is_flat(expected, like):
        SEEN[module] = Seen(type(expected), [leaf.shape[1:] for leaf in expected])


def _is_flat(expected: Any, like: Tensor) -> bool:
    """Return whether a state is one tuple of tensors, all of the weights' type."""
    return isinstance(expected, tuple) and all(
        isinstance(leaf, Tensor) and leaf.dtype == like.dtype for leaf in expected
    )


def _as_seen(given: tuple[Any, ...], rows: int, seen: Seen, like: Tensor | None) -> bool:
    """Return whether a flat state is like the one that was checked before."""
    if like is None:
        return False
    dtype, device = like.dtype, like.device
    for leaf, tail in zip(given, seen.tails, strict=True):
        if (
            not isinstance(leaf, Tensor)
            or leaf.layout is not torch.strided
            or leaf.dtype != dtype
            or leaf.device != device
            or leaf.dim() == 0
            or leaf.shape[0] != rows
            or leaf.shape[1:] != tail
        ):
            return False
    return True


def structure(state: Any) -> str:
    """Return what a state is made of, in words: types and names, no sizes."""
    if isinstance(state, tuple):
        names = getattr(state, "_fields", None)
        parts = [structure(part) for part in state]
        if names is not None:
            parts = [
                name if part == "a tensor" else f"{name}: {part}"
                for name, part in zip(names, parts, strict=True)
            ]
        kind = type(state).__name__ if names is not None else ""
        return f"{kind}({', '.join(parts)})"
    return "a tensor" if isinstance(state, Tensor) else type(state).__name__


def parts(owner: str, given: Any, count: int) -> None:
    """Check that a state is a tuple of so many states."""
    if not isinstance(given, tuple):
        raise InputTypeError(f"the state is {structure(given)}; {owner} takes a tuple of states")
    if len(given) != count:
        raise InputError(f"the state is {structure(given)}; this {owner} takes {count} states")
