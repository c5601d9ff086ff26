"""A whole layer as one step of a graph: torch multiplies the large matrices, we do the rest."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.func import functional_call

from recurra import tree
from recurra.cells.base import Cell
from recurra.engines.base import Engine, Lengths
from recurra.engines.function import Function
from recurra.inputs import transformed

Tensors = tuple[Tensor, ...]
Gradients = tuple[Tensor | None, ...]


@runtime_checkable
class Rows(Protocol):
    """Where each row's steps lie among the lines that an engine's kernels read."""

    @property
    def lengths(self) -> Lengths:
        """Return each row's steps; None: all that there are."""

    def pack(self, x: Tensor) -> Tensor:
        """Return the lines [lines, n] of [batch, time, n]."""

    def unpack(self, lines: Tensor) -> Tensor:
        """Return [batch, time, n], of lines."""


class Fused(NamedTuple):
    """One cell's kernels.

    forward(rows, x, state, weights, keep) → (y, state after the last steps, what backward needs
    beside them). backward(rows, x, state, weights, y, kept, grad_y, grad_last) → gradients of x,
    of the state's leaves and of the weights, None for what requires none. x and y are lines;
    weights are in the order of `names`. `exact` is the engine that computes gradients of gradients.
    """

    names: tuple[str, ...]
    forward: Callable[..., tuple[Tensor, Tensors, Tensors]]
    backward: Callable[..., tuple[Tensor | None, Gradients, Gradients]]
    exact: Engine


def run_fused(
    fused: Fused,
    cell: Cell[Any],
    rows: Rows,
    x: Tensor,
    state: Any,
    cast: Callable[[Tensor], Tensor] = lambda tensor: tensor,
) -> tuple[Tensor, Any]:
    """Return the outputs, as lines, and the state after each row's last step.

    Kernels get the leaves of the state and the weights as `cast` returns them.
    """
    leaves = [cast(leaf).contiguous() for leaf in tree.leaves(state)]
    weights = [cast(getattr(cell, name)) for name in fused.names]
    tensors = [x.contiguous(), *leaves, *weights]
    keep = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
    if not keep and not transformed():  # no graph, and no look at one
        y, last, _ = fused.forward(rows, *_parts(fused, tuple(tensors)), False)
        return y, tree.unflatten(state, list(last))
    y, *others = _Layer.apply(fused, cell, rows, keep, *tensors)
    return y, tree.unflatten(state, others[: len(leaves)])


class _Layer(Function):
    """(x, leaves of the state, weights) → (y, leaves of the last state, what backward needs)."""

    @staticmethod
    def forward(fused: Fused, cell: Cell[Any], rows: Rows, keep: bool, *tensors: Tensor) -> Tensors:
        x, state, weights = _parts(fused, tensors)
        y, last, kept = fused.forward(rows, x, state, weights, keep)
        return y, *last, *kept

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensors) -> None:
        ctx.fused, ctx.cell, ctx.rows, _, *tensors = inputs
        ctx.inputs = len(tensors)
        ctx.leaves = len(tensors) - 1 - len(ctx.fused.names)
        kept = output[1 + ctx.leaves :]
        ctx.mark_non_differentiable(*kept)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*tensors, output[0], *kept)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Any, ...]:
        saved = ctx.saved_tensors
        inputs, y, kept = saved[: ctx.inputs], saved[ctx.inputs], saved[ctx.inputs + 1 :]
        x, state, weights = _parts(ctx.fused, inputs)
        grad_y = torch.zeros_like(y) if grads[0] is None else grads[0].contiguous()
        grad_last = tuple(
            torch.zeros_like(leaf) if grad is None else grad.contiguous()
            for leaf, grad in zip(state, grads[1:], strict=False)
        )
        again = torch.is_grad_enabled()  # a gradient of this gradient is wanted
        if again or transformed():  # or several gradients at once
            with torch.enable_grad():
                # as views: x, too, may be made of a weight, where a cell reads its own outputs
                inputs = tuple(tensor.view_as(tensor) for tensor in inputs)
                outputs = _exact(ctx.fused, ctx.cell, ctx.rows, *_parts(ctx.fused, inputs))
            wanted = [tensor for tensor in inputs if tensor.requires_grad]
            found = iter(
                torch.autograd.grad(
                    outputs, wanted, (grad_y, *grad_last), create_graph=again, allow_unused=True
                )
            )
            some = (next(found) if tensor.requires_grad else None for tensor in inputs)
            return None, None, None, None, *some
        grad_x, grad_state, grad_weights = ctx.fused.backward(
            ctx.rows, x, state, weights, y, kept, grad_y, grad_last
        )
        return None, None, None, None, grad_x, *grad_state, *grad_weights


def overwrite(kept: Tensor) -> Tensor:
    """Return memory like this for what is computed from it: itself, where the graph ends here."""
    # private to torch, which reuses memory by it: a second backward pass is then refused
    again = torch._C._autograd._get_current_graph_task_keep_graph()
    return torch.empty_like(kept) if again else kept


def _parts(fused: Fused, tensors: Tensors) -> tuple[Tensor, Tensors, Tensors]:
    """Return x, the leaves of the state, the weights."""
    end = len(tensors) - len(fused.names)
    return tensors[0], tensors[1:end], tensors[end:]


def _exact(
    fused: Fused, cell: Cell[Any], rows: Rows, x: Tensor, state: Tensors, weights: Tensors
) -> Tensors:
    """Return the same outputs from the engine `exact`, whose gradients have gradients."""
    like = cell.initial_state(1)
    named = {f"cell.{name}": value for name, value in zip(fused.names, weights, strict=True)}
    arguments = (rows.unpack(x), tree.unflatten(like, list(state)), rows.lengths)
    y, last = functional_call(_Unrolled(cell, fused.exact), named, arguments)
    return rows.pack(y), *tree.leaves(last)


class _Unrolled(nn.Module):
    """A cell under an engine, as a module for functional_call."""

    def __init__(self, cell: Cell[Any], engine: Engine) -> None:
        super().__init__()
        self.cell, self.engine = cell, engine

    def forward(self, x: Tensor, state: Any, lengths: Lengths) -> tuple[Tensor, Any]:
        y, last = self.engine.run(self.cell, x, state, lengths)
        return y, last
