"""Tensors and numbers that are handed in: type, shape, place, range."""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from recurra.errors import InputError, InputTypeError
from recurra.inputs.memory import jit_traced, readable

WHOLE = frozenset({torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8})

if TYPE_CHECKING:
    Count = int  # as torch's own types have sizes
else:  # what sizes are while a graph is made
    Count = int | torch.SymInt | Tensor

Sizes = tuple[Count | str, ...]  # a name stands for any size


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
    if not has(given, sizes):
        raise InputError(f"{owner} takes {shown(sizes)}; got {list(given.shape)} as {name}")
    if given.layout is not torch.strided or given.is_nested:
        raise InputError(f"{owner} takes dense tensors; {name} has the layout {given.layout}")
    if like is None:
        if not given.is_floating_point():
            raise InputError(f"{owner} takes floating point; {name} is {given.dtype}")
    elif given.dtype != like.dtype or given.device != like.device:
        compare_kinds(owner, name, given, like)


def whole(owner: str, name: str, given: Any, sizes: Sizes) -> None:
    """Check a tensor of whole numbers, such as tokens or classes; errors as `numbers`."""
    if not isinstance(given, Tensor):
        raise InputTypeError(f"{name} is a {type(given).__name__}; {owner} takes a torch.Tensor")
    if given.dtype not in WHOLE:
        raise InputTypeError(f"{name} is {given.dtype}; {owner} takes whole numbers")
    if not jit_traced() and (not has(given, sizes) or given.layout is not torch.strided):
        raise InputError(f"{owner} takes {shown(sizes)}; got {list(given.shape)} as {name}")


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


def lengths(given: Any, rows: Count | None = None) -> int | None:
    """Check the lengths of rows: one whole number each, 0 or more; return the least.

    Those on another device than the CPU are not looked at (None), and count as 0 where they are
    below.

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
        return None
    if given.dim() != 1 or given.layout is not torch.strided:
        raise InputError(f"lengths is {list(given.shape)}; it has one number for each row: [batch]")
    if rows is not None and given.shape[0] != rows:
        raise InputError(f"lengths has {given.shape[0]} entries for {rows} rows")
    if not given.numel() or not readable(given):
        return None
    if (least := int(given.min())) < 0:
        raise InputError(f"lengths has {least}; a row has 0 steps or more")
    return least


def sequence(
    owner: str, x: Any, size: int | str, given: Any, like: Tensor | None = None
) -> Tensor | None:
    """Check a sequence [batch time size] of real numbers, and its rows' lengths (None: none).

    Returns:
        The lengths; None too where every row is known to be full.
    """
    numbers(owner, "x", x, ("batch", "time", size), like)
    return short(given, x)


def short(given: Any, x: Tensor) -> Tensor | None:
    """Check the lengths of x's rows, and return them; None where every row is known to be full."""
    if given is None:
        return None
    least = lengths(given, x.shape[0])
    full = least is not None and type(x.shape[1]) is int and least >= x.shape[1]
    return None if full else given


def tensor(owner: str, name: str, given: Any) -> None:
    """Check that a value is a tensor of some axes."""
    if not isinstance(given, Tensor):
        raise InputTypeError(f"{name} is a {type(given).__name__}; {owner} takes a torch.Tensor")
    if given.dim() == 0 or given.layout is not torch.strided:
        raise InputError(f"{owner} takes [batch …], dense; got {list(given.shape)}, {given.layout}")


def ragged(owner: str, x: Any, given: Any) -> Tensor | None:
    """Check that x has a batch and a time, of whatever numbers; return its lengths as `short`."""
    tensor(owner, "x", x)
    if x.dim() < 2:
        raise InputError(f"{owner} takes [batch time …]; got {list(x.shape)}")
    return short(given, x)


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
            compare_kinds(owner, name, x, module.weight)


def fields(owner: str, name: str, given: Any, kind: type[Any]) -> None:
    """Check that a value is a named tuple of this kind."""
    if not isinstance(given, kind):
        raise InputTypeError(f"{name} is a {type(given).__name__}; {owner} takes {kind.__name__}")


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
    if not jit_traced() and not has(given, sizes):
        raise InputError(f"{owner} takes {shown(sizes)}; got {list(given.shape)} as mask")


def has(given: Tensor, sizes: Sizes) -> bool:
    """Return whether a tensor has these sizes."""
    shape = given.shape
    if len(shape) != len(sizes):
        return False
    for have, wanted in zip(shape, sizes, strict=True):
        if not isinstance(wanted, str) and have != wanted:
            return False
    return True


def shown(sizes: Sizes) -> str:
    """Return sizes as errors show them."""
    return "[" + " ".join(map(str, sizes)) + "]"


def compare_kinds(owner: str, name: str, given: Tensor, like: Tensor) -> None:
    """Refuse another number type or place; autocast takes any floating point in its place."""
    floats = given.is_floating_point() and like.is_floating_point()
    if given.device == like.device and floats and torch.is_autocast_enabled(given.device.type):
        return
    raise InputError(
        f"{name} is {given.dtype} on {given.device}; {owner} takes {like.dtype} on {like.device}"
    )
