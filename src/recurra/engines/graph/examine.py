"""Whether a cell's step can be recorded: two rows of it are taken, forward and backward."""

from functools import partial
from typing import Any

import torch
from torch import Tensor

from recurra import tree
from recurra.cells.base import Cell
from recurra.engines.graph.replica import Replica, fingerprint
from recurra.engines.graph.watch import Watch
from recurra.errors import EngineRefused

Results = tuple[Tensor, ...]


def examine(cell: Cell[Any], x: Tensor) -> str | None:
    """Return why a cell's step cannot be recorded, or None; the cell stays as it is.

    Args:
        cell: whose step it is.
        x: an input of the kind that is wanted, on the device that is.
    """
    with torch.inference_mode(mode=False), torch.enable_grad():
        try:
            return _seen(cell, x)
        except EngineRefused as error:
            return str(error)
        # a user's cell may raise anything: then it is not recorded, and `loop` tells
        except Exception as error:
            text = " ".join(f"{type(error).__name__}: {error}".split())
            return f"its step of two rows cannot be tried: {text[:200]}"


def _seen(cell: Cell[Any], x: Tensor) -> str | None:
    copied = Replica(cell)
    twin, before = copied.cell, fingerprint(copied.cell)
    versions = [value._version for value in copied.tensors]
    values = torch.linspace(-1, 1, 2 * cell.input_size, device=x.device)
    u = twin.project(values.view(2, -1).to(x.dtype)).detach()
    state = twin.initial_state(2)
    with Watch():  # type: ignore[no-untyped-call]  # torch gives modes no types
        results = _step(twin, u, state)
    ill = _step(twin, _poisoned(u), tree.map(_poisoned, state))
    if fingerprint(twin) != before or versions != [value._version for value in copied.tensors]:
        return "its step changes the cell itself, which a recording would not"
    after, leaves = results[1:], tree.leaves(state)
    if [(leaf.shape, leaf.dtype) for leaf in after] != [
        (leaf.shape, leaf.dtype) for leaf in leaves
    ]:
        return "its state has another shape or dtype after a step than before"
    if results[0].shape != (2, cell.output_size):
        return f"its output is {list(results[0].shape)} for two rows of {cell.output_size}"
    # the very same, for the second row goes the same way beside NaN
    exactly = partial(torch.allclose, rtol=0, atol=0, equal_nan=True)
    same = (exactly(a[1], b[1]) for a, b in zip(results, ill, strict=True))
    return None if all(same) else "its rows see each other, and a chunk is taken as one step of all"


def _step(cell: Cell[Any], u: Tensor, state: Any) -> Results:
    """Return the output and the leaves of the state after a step, having gone back through it."""
    leaves = [_source(leaf) for leaf in tree.leaves(state)]
    y, after = cell.step(_source(u), tree.unflatten(state, leaves))
    results = (y, *tree.leaves(after))
    sources = [leaf for leaf in leaves if leaf.requires_grad]
    outputs = [result for result in results if result.requires_grad]
    if outputs and sources:
        ones = [torch.ones_like(result) for result in outputs]
        torch.autograd.grad(outputs, sources, ones, allow_unused=True)
    return tuple(result.detach() for result in results)


def _source(value: Tensor) -> Tensor:
    return value.detach().requires_grad_(value.is_floating_point())


def _poisoned(value: Tensor) -> Tensor:
    """Return it with NaN in its first row, where it can be."""
    value = value.detach().clone()
    if value.is_floating_point():
        value[0] = torch.nan
    return value
