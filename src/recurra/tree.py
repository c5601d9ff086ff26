"""A state is a tensor, or a (named) tuple of states: map, leaves, names."""

from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor


def rebuild(like: tuple[Any, ...], parts: list[Any]) -> Any:
    """Return `parts` as the same kind of tuple as `like`."""
    return type(like)(*parts) if hasattr(like, "_fields") else tuple(parts)


def map(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """Return `tree` with `function` applied to each leaf (and the leaves of `others` beside it)."""
    if isinstance(tree, tuple):
        return rebuild(tree, [map(function, *parts) for parts in zip(tree, *others, strict=True)])
    return function(tree, *others)


def leaves(tree: Any) -> list[Tensor]:
    """Return the tensors of `tree`, left to right."""
    if isinstance(tree, tuple):
        return [leaf for part in tree for leaf in leaves(part)]
    return [tree]


def names(tree: Any, prefix: str = "") -> list[str]:
    """Return one dotted name per leaf: field names where there are, else positions."""
    return list(_names(tree, prefix))


def _names(tree: Any, prefix: str) -> Iterator[str]:
    if not isinstance(tree, tuple):
        yield prefix or "state"
        return
    fields = getattr(tree, "_fields", [str(i) for i in range(len(tree))])
    for field, part in zip(fields, tree, strict=True):
        yield from _names(part, f"{prefix}.{field}" if prefix else field)


def unflatten(like: Any, flat: list[Tensor]) -> Any:
    """Return a tree shaped as `like` whose leaves are `flat`, in the order of `leaves`."""
    remaining = iter(flat)
    return map(lambda _: next(remaining), like)
