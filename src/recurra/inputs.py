"""What a user hands in, checked before anything is computed from it and any memory is touched.

One place for every entry (`unroll`, layers, pools, attention, topologies, streams), and cheap: a
value that fits costs about a microsecond. A graph that is being traced is not looked into where it
would be frozen by that.
"""

from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

from recurra import tree
from recurra.errors import InputError, InputTypeError

WHOLE = frozenset({torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8})
PLAIN = (Tensor, nn.Parameter)

VMAP = torch._C._dispatch_key_parse("VmapMode")
_dispatches = torch._C._dispatch_tls_is_dispatch_key_included

if TYPE_CHECKING:
    Count = int  # as torch's own types have sizes
else:  # what sizes are while a graph is made
    Count = int | torch.SymInt | Tensor

Sizes = tuple[Count | str, ...]  # a name stands for any size


def jit_traced() -> bool:
    """Return whether `torch.jit.trace` is at work, for which a size is no number."""
    return not torch.compiler.is_compiling() and torch._C._get_tracing_state() is not None


def transformed() -> bool:
    """Return whether a transform of torch.func, a forward derivative or a vmap is at work."""
    if torch._C._are_functorch_transforms_active() or forward_ad._current_level >= 0:
        return True
    # the older vmap, of `is_grads_batched`
    return not torch.compiler.is_compiling() and _dispatches(VMAP)


def impure(tensor: Tensor) -> str | None:
    """Return why a tensor's memory does not hold its numbers as they are, or None."""
    if type(tensor) not in PLAIN:
        return f"a {type(tensor).__name__} is no plain tensor"
    if tensor.layout is not torch.strided or tensor.is_nested:
        return f"a tensor of layout {tensor.layout} is not dense"
    if torch._C._functorch.is_functorch_wrapped_tensor(tensor):
        return "a tensor within a transform of torch.func has no memory of its own"
    if tensor.is_neg() or tensor.is_conj():
        return "a tensor's sign is still to be turned (resolve_neg, resolve_conj)"
    if not torch._C._has_storage(tensor):
        return "a tensor has no memory"
    if tensor.numel() and tensor.untyped_storage().nbytes() < _bytes(tensor):
        return "a tensor's memory was freed or shortened"
    return None


def _bytes(tensor: Tensor) -> int | torch.SymInt:
    """Return the bytes of memory in which all of a tensor's numbers lie."""
    if tensor.is_contiguous():
        return (tensor.storage_offset() + tensor.numel()) * tensor.itemsize
    last = sum((n - 1) * step for n, step in zip(tensor.shape, tensor.stride(), strict=True))
    return (tensor.storage_offset() + last + 1) * tensor.itemsize


def weight(module: nn.Module) -> Tensor | None:
    """Return a parameter: its type and place are those that the module takes."""
    own = next(iter(module._parameters.values()), None)
    return next(module.parameters(), None) if own is None else own


def numbers(owner: str, name: str, given: Any, sizes: Sizes, like: Tensor | None) -> None:
    """Check a tensor of real numbers.

    Args:
        owner: what takes it, for the error's text.
        name: what it is.
        given: the value.
        sizes: of each axis, or the name of one of any size.
        like: a tensor of the type and place wanted; None: any floating point.
    Raises:
        InputTypeError: it is no tensor.
        InputError: its shape, type, place or layout is another.
    """
    if not isinstance(given, Tensor):
        raise InputTypeError(f"{name} is a {type(given).__name__}; {owner} takes a torch.Tensor")
    if jit_traced():
        return
    if not _has(given, sizes):
        raise InputError(f"{owner} takes {_sizes(sizes)}; got {list(given.shape)} as {name}")
    if given.layout is not torch.strided or given.is_nested:
        raise InputError(f"{owner} takes dense tensors; {name} has the layout {given.layout}")
    if like is None:
        if not given.is_floating_point():
            raise InputError(f"{owner} takes floating point; {name} is {given.dtype}")
    elif given.dtype != like.dtype or given.device != like.device:
        _compare_kinds(owner, name, given, like)


def whole(owner: str, name: str, given: Any, sizes: Sizes) -> None:
    """Check a tensor of whole numbers, such as tokens or classes; errors as `numbers`."""
    if not isinstance(given, Tensor):
        raise InputTypeError(f"{name} is a {type(given).__name__}; {owner} takes a torch.Tensor")
    if given.dtype not in WHOLE:
        raise InputTypeError(f"{name} is {given.dtype}; {owner} takes whole numbers")
    if not jit_traced() and (not _has(given, sizes) or given.layout is not torch.strided):
        raise InputError(f"{owner} takes {_sizes(sizes)}; got {list(given.shape)} as {name}")


def within(owner: str, name: str, given: Tensor, count: int) -> None:
    """Check that whole numbers on the CPU are from 0 up to, but not, `count`.

    On another device nothing is looked at: that would wait for it.

    Raises:
        InputError: one is not.
    """
    if readable(given) and given.numel():
        least, most = (int(end) for end in given.aminmax())
        if least < 0 or most >= count:
            wrong = least if least < 0 else most
            raise InputError(f"{name} has {wrong}; {owner} takes 0 to {count - 1}")


def lengths(given: Any, rows: Count | None = None) -> None:
    """Check the lengths of rows: one whole number each, 0 or more.

    Those on another device than the CPU are not looked at, and count as 0 where they are below.

    Raises:
        InputTypeError: they are no tensor of whole numbers.
        InputError: there is another number of them, or one is negative.
    """
    if not isinstance(given, Tensor):
        raise InputTypeError(
            f"lengths is a {type(given).__name__}; give torch.tensor([…]), one for each row"
        )
    if given.dtype not in WHOLE:
        raise InputTypeError(f"lengths is {given.dtype}; it counts steps: torch.int64 and the like")
    if jit_traced():
        return
    if given.dim() != 1 or given.layout is not torch.strided:
        raise InputError(f"lengths is {list(given.shape)}; it has one number for each row: [batch]")
    if rows is not None and given.shape[0] != rows:
        raise InputError(f"lengths has {given.shape[0]} entries for {rows} rows")
    if given.numel() and readable(given) and (least := int(given.min())) < 0:
        raise InputError(f"lengths has {least}; a row has 0 steps or more")


def sequence(owner: str, x: Any, size: int | str, given: Any, like: Tensor | None = None) -> None:
    """Check a sequence [batch time size] of real numbers, and its rows' lengths (None: none)."""
    numbers(owner, "x", x, ("batch", "time", size), like)
    if given is not None:
        lengths(given, x.shape[0])


def tensor(owner: str, name: str, given: Any) -> None:
    """Check that a value is a tensor of some axes."""
    if not isinstance(given, Tensor):
        raise InputTypeError(f"{name} is a {type(given).__name__}; {owner} takes a torch.Tensor")
    if given.dim() == 0 or given.layout is not torch.strided:
        raise InputError(f"{owner} takes [batch …], dense; got {list(given.shape)}, {given.layout}")


def ragged(owner: str, x: Any, given: Any) -> None:
    """Check that x has a batch and a time, of whatever numbers, and its lengths (None: none)."""
    tensor(owner, "x", x)
    if x.dim() < 2:
        raise InputError(f"{owner} takes [batch time …]; got {list(x.shape)}")
    if given is not None:
        lengths(given, x.shape[0])


def taken(owner: str, name: str, module: nn.Module, x: Tensor) -> None:
    """Check what a first module of torch takes, where it is one that is known."""
    while isinstance(module, nn.Sequential) and len(module):
        module = module[0]
    if isinstance(module, nn.Embedding):
        if x.dtype not in (torch.int64, torch.int32):
            raise InputTypeError(f"{name} is {x.dtype}; {owner} looks up tokens: torch.int64")
        within(owner, name, x, module.num_embeddings)
    elif isinstance(module, nn.Linear) and not jit_traced():
        if x.dim() == 0 or x.shape[-1] != module.in_features:
            raise InputError(
                f"{name} is {list(x.shape)}; {owner} takes {module.in_features} features"
            )
        if x.dtype != module.weight.dtype or x.device != module.weight.device:
            _compare_kinds(owner, name, x, module.weight)


def fields(owner: str, name: str, given: Any, kind: type[Any]) -> None:
    """Check that a value is a named tuple of this kind."""
    if not isinstance(given, kind):
        raise InputTypeError(f"{name} is a {type(given).__name__}; {owner} takes {kind.__name__}")


def parts(owner: str, given: Any, count: int) -> None:
    """Check that a state is a tuple of so many states."""
    if not isinstance(given, tuple):
        raise InputTypeError(f"the state is {structure(given)}; {owner} takes a tuple of states")
    if len(given) != count:
        raise InputError(f"the state is {structure(given)}; this {owner} takes {count} states")


def count(owner: str, name: str, given: Any) -> None:
    """Check a number of things: whole, 0 or more."""
    if jit_traced() or isinstance(given, torch.SymInt):
        return
    if isinstance(given, bool) or not isinstance(given, int):
        raise InputTypeError(f"{name} is {given!r}; {owner} takes a whole number")
    if given < 0:
        raise InputError(f"{name} is {given}; {owner} takes 0 or more")


def share(name: str, given: Any) -> None:
    """Check a number between 0 and 1."""
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise InputTypeError(f"{name} is {given!r}; it is a number from 0 to 1")
    if not 0 <= given <= 1:
        raise InputError(f"{name} is {given}; it is from 0 to 1")


def mask(owner: str, given: Any, sizes: Sizes) -> None:
    """Check a mask, True where something counts; errors as `numbers`."""
    if not isinstance(given, Tensor) or given.dtype != torch.bool:
        kind = given.dtype if isinstance(given, Tensor) else f"a {type(given).__name__}"
        raise InputTypeError(f"the mask is {kind}; {owner} takes torch.bool")
    if not jit_traced() and not _has(given, sizes):
        raise InputError(f"{owner} takes {_sizes(sizes)}; got {list(given.shape)} as mask")


def readable(given: Tensor) -> bool:
    """Return whether numbers can be looked at without waiting for a device, or being frozen."""
    return (
        type(given) in PLAIN
        and given.is_cpu
        and not torch.compiler.is_compiling()
        and not transformed()
        and torch._C._get_tracing_state() is None
        and not torch._C._functorch.is_functorch_wrapped_tensor(given)
    )


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
        if not _has(leaf, sizes):
            raise InputError(
                f"state {name} is {list(leaf.shape)}; for {rows} rows, {owner} takes {list(sizes)}"
            )
        if leaf.layout is not torch.strided or leaf.is_nested:
            raise InputError(f"state {name} has the layout {leaf.layout}; {owner} takes dense ones")
        if leaf.dtype != wanted.dtype or leaf.device != wanted.device:
            _compare_kinds(owner, f"state {name}", leaf, wanted)
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


def _has(given: Tensor, sizes: Sizes) -> bool:
    shape = given.shape
    if len(shape) != len(sizes):
        return False
    for have, wanted in zip(shape, sizes, strict=True):
        if not isinstance(wanted, str) and have != wanted:
            return False
    return True


def _sizes(sizes: Sizes) -> str:
    return "[" + " ".join(map(str, sizes)) + "]"


def _compare_kinds(owner: str, name: str, given: Tensor, like: Tensor) -> None:
    floats = given.is_floating_point() and like.is_floating_point()
    if given.device == like.device and floats and torch.is_autocast_enabled(given.device.type):
        return
    raise InputError(
        f"{name} is {given.dtype} on {given.device}; {owner} takes {like.dtype} on {like.device}"
    )
