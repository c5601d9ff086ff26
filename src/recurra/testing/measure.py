"""What the laws compare, and how closely."""

import copy
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from recurra import inputs, tree
from recurra.cells.base import Cell
from recurra.engines import unroll

BATCH, TIME = 3, 7

# Largest difference, as a share of the largest number compared. float64 and float32: about a
# hundred roundings and more; bfloat16 has 8 bits, and engines round at different places.
TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-5, torch.bfloat16: 5e-2, torch.float16: 1e-2}
FLOOR = 1e-3  # numbers below are compared as if they went to this


@contextmanager
def prepared(cell: Cell[Any], dtype: torch.dtype) -> Iterator[tuple[Cell[Any], Tensor, Any]]:
    """Give a copy of the cell, an input, and a state some steps away from the initial one.

    No parameter stays at zero, where a wrong factor beside it would not show. All lies where the
    cell does, and is drawn on the CPU, so that the numbers are the same everywhere.
    """
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings(), untruncated():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        cell = copy.deepcopy(cell).double().eval()
        with torch.no_grad():
            for parameter in cell.parameters():
                drawn = torch.randn(parameter.shape, dtype=torch.float64)
                parameter.add_(drawn.to(parameter.device), alpha=0.1)
            cell = cell.to(dtype)
            x = torch.randn(BATCH, TIME, cell.input_size).to(place(cell), dtype)
            state = cell.initial_state(BATCH)
            for u in torch.randn(4, BATCH, cell.input_size).to(x):
                _, state = cell(u, state)
        yield cell, x, state


@contextmanager
def untruncated() -> Iterator[None]:
    """Keep cuDNN, by default in TF32, at float32's own 24 bits."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


def place(cell: Cell[Any]) -> torch.device:
    """Return where the weights of a cell lie, if it has any."""
    like = inputs.weight(cell)
    return torch.device("cpu") if like is None else like.device


def everything(
    cell: Cell[Any],
    x: Tensor,
    state: Any,
    lengths: Tensor | None,
    engine: str,
    rows: slice = slice(None),
) -> dict[str, Tensor]:
    """Return outputs, last state and gradients of a fixed weighting of them, by name."""
    x = x.detach().requires_grad_()
    leaves = [leaf.detach().clone() for leaf in tree.leaves(state)]
    sources = {"x": x} | {
        f"initial state {name}": leaf.requires_grad_()
        for name, leaf in zip(tree.names(state), leaves, strict=True)
        if leaf.is_floating_point()
    }
    sources |= {
        f"parameter {name}": value for name, value in cell.named_parameters() if value.requires_grad
    }
    y, last = unroll(cell, x, tree.unflatten(state, leaves), lengths=lengths, engine=engine)
    results = {"output": y}
    results |= {f"state {name}": leaf for name, leaf, _ in named(last, last)}
    weights = torch.Generator().manual_seed(1)
    loss = x.new_zeros(())
    for value in results.values():
        # of the full batch and time, so that a part is weighted as it is in the whole
        sizes = [BATCH, 128, value.shape[-1]] if value is y else [BATCH, *value.shape[1:]]
        weight = torch.randn(sizes, generator=weights).to(x)[rows]
        weight = weight[:, : value.shape[1]] if value is y else weight
        if value.requires_grad:
            loss = loss + (weight * value).sum()
    gradients = torch.autograd.grad(loss, list(sources.values()), materialize_grads=True)
    results |= {f"gradient of {name}": grad for name, grad in zip(sources, gradients, strict=True)}
    return {name: value.detach() for name, value in results.items()}


def named(state: Any, beside: Any) -> list[tuple[str, Tensor, Tensor]]:
    """Return each leaf's name, the leaf, and the one of another state beside it."""
    names = tree.names(state)
    return list(zip(names, tree.leaves(state), tree.leaves(beside), strict=True))


def kind(tensor: Tensor) -> str:
    """Return shape and dtype."""
    return f"{list(tensor.shape)} {tensor.dtype}"


def same(what: str, got: object, want: object) -> None:
    """Raise AssertionError where two values differ."""
    if got != want:
        raise AssertionError(f"{what}: {got}, expected {want}")


def close(what: str, got: Tensor, want: Tensor, dtype: torch.dtype, slack: float = 0.0) -> None:
    """Compare by the largest difference, as a share of the largest number expected."""
    same(f"kind of {what}", kind(got), kind(want))
    if want.numel() == 0:
        return
    scale = max(want.double().nan_to_num(0, 0, 0).abs().max().item(), FLOOR)
    off, allowed = difference(got, want), TOLERANCE[dtype] * scale + slack
    if not off <= allowed:  # NaN too
        raise AssertionError(
            f"{what}: off by {off:.1e} where numbers go to {scale:.1e}; {allowed:.1e} is allowed"
        )


def difference(got: Tensor, want: Tensor) -> float:
    """Return the largest difference; equal infinities do not differ."""
    got, want = got.double(), want.double()
    if want.numel() == 0:
        return 0.0
    return torch.where(got == want, 0, got - want).abs().max().item()
