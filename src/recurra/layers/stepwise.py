"""The loss of each step of a long sequence, without the sequence of outputs."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from recurra import inputs, tree
from recurra.cells.base import Cell
from recurra.engines.base import Lengths, traced
from recurra.errors import InputError, InputTypeError
from recurra.inputs import transformed
from recurra.layers.base import Layer
from recurra.layers.chunks import check_chunks, refuse_hooks
from recurra.layers.dropout import VariationalDropout
from recurra.layers.recompute import recompute
from recurra.layers.recurrent import Recurrent, as_layer

Criterion = Callable[..., Tensor]


class Scored(nn.Module):
    """A network and a criterion as one module: steps in, the loss of each step out."""

    def __init__(self, network: nn.Module, criterion: Criterion) -> None:
        super().__init__()
        self.network, self.criterion = network, criterion

    def forward(
        self, x: Tensor, state: Any, *targets: Tensor, lengths: Lengths
    ) -> tuple[Tensor, Any]:
        """Return losses [batch time], and the state after the last step."""
        y, state = self.network(x, state, lengths=lengths)
        losses = self.criterion(y, *targets)
        if not isinstance(losses, Tensor) or losses.shape != x.shape[:2]:
            got = list(losses.shape) if isinstance(losses, Tensor) else type(losses).__name__
            raise InputError(
                f"the criterion returned {got}; it returns the loss of each step, [batch time], "
                f"here {list(x.shape[:2])}, as by reduction='none'"
            )
        return losses, state


def step_losses(
    network: nn.Module,
    x: Shaped[Tensor, "batch time *input"],
    criterion: Criterion,
    *targets: Tensor,
    every: int = 1024,
    state: Any = None,
    lengths: Int[Tensor, "batch"] | None = None,
) -> tuple[Float[Tensor, "batch time"], Any]:
    """Return the loss of each step, and the state after the last one, in little memory.

        ℓ_t = criterion(y_t, target_t)        y, state = network(x, state)

    As if all were computed at once; but chunk after chunk, so that neither outputs nor their
    gradients are ever there as a whole, and for the gradient each chunk is computed again from the
    state that it began from: `Recurrent(checkpoint_every=…)`, with the loss within the chunks. What
    grows with the length is x, the targets, one loss a step and one state a chunk. To the bits of
    the same chunks with everything kept.

    Args:
        network: a cell, or layers that stream, to which embeddings and heads may belong
            (`Pointwise`); or any module that is called as one, network(x, state, lengths=lengths).
        x: inputs.
        criterion: (outputs, *targets) → losses [batch time]; if it has weights, a module.
        targets: what a step's loss is told beside its output, cut as x is.
        every: steps of a chunk; -1: √T, the least memory.
        state: where to begin; None: the beginning.
        lengths: valid steps of each row; None: all. Losses beyond are for the caller to leave out.
    Raises:
        TypeError, ValueError: the network does not stream; what it draws in training is drawn for
            a whole sequence (weight drop, variational dropout); it has hooks around one; a sequence
            has another shape; or the loss reads a weight that is none of the two modules'.
    """
    check_chunks(every, 0.0, 1)
    network = as_layer(network) if isinstance(network, Cell) else network
    for name, part, kind in (("network", network, nn.Module), ("x", x, Tensor)):
        if not isinstance(part, kind):
            raise InputTypeError(f"{name} is a {type(part).__name__}; it is a {kind.__name__}")
    if not callable(criterion):
        raise InputTypeError(f"criterion is a {type(criterion).__name__}; it is a function")
    lengths = inputs.ragged("step_losses", x, lengths)
    _check(network, x, targets)
    if state is None:
        if not isinstance(network, Layer):
            raise InputError("state is None: of a module that is no Layer, give the first one")
        state = network.initial_state(len(x))
    scored = Scored(network, criterion)
    steps = x.shape[1]
    every = math.ceil(math.sqrt(steps)) if every < 0 else every or steps
    if traced() or transformed() or not torch.is_grad_enabled() or not x.numel():
        # a module of torch answers Any
        return scored(x, state, *targets, lengths=lengths)  # type: ignore[no-any-return]
    _refuse_others(scored, x[:, :1], state, [target[:, :1] for target in targets], lengths)
    return recompute(scored, x, state, lengths, every, *targets)


def _check(network: nn.Module, x: Tensor, targets: tuple[Tensor, ...]) -> None:
    for i, target in enumerate(targets):
        inputs.tensor("step_losses", f"target {i}", target)
        if target.shape[:2] != x.shape[:2]:
            raise InputError(
                f"target {i} is {list(target.shape)}; it begins as x does, {list(x.shape[:2])}"
            )
    for part in network.modules():
        name = type(part).__name__
        if isinstance(part, Layer) and not part.streams:
            raise InputError(f"{name} reads backward; step_losses takes layers that stream")
        if isinstance(part, Cell):
            refuse_hooks("every", part)
        rate = getattr(part, "weight_drop" if isinstance(part, Recurrent) else "rate", 0.0)
        if part.training and isinstance(part, Recurrent | VariationalDropout) and rate:
            raise InputError(
                f"{name} draws one mask for a whole sequence, and a chunk would have its own; "
                "set its rate to 0"
            )
        if part.training and isinstance(part, nn.modules.batchnorm._BatchNorm):
            raise InputError(
                f"{name} counts over a whole sequence; step_losses takes no batch norm"
            )


def _refuse_others(
    scored: Scored, x: Tensor, state: Any, targets: Sequence[Tensor], lengths: Lengths
) -> None:
    """Refuse weights that would get no gradient, by the graph of one step.

    Raises:
        ValueError: the losses depend on a tensor that is neither given nor a weight of a module.
    """
    known = {id(weight) for weight in scored.parameters()}
    left = None if lengths is None else lengths.clamp(max=1)
    with torch.random.fork_rng([x.device] if x.is_cuda else []), torch.enable_grad():
        fresh = [leaf.detach() for leaf in (x, *targets)]
        losses, _ = scored(
            fresh[0], tree.map(lambda leaf: leaf.detach(), state), *fresh[1:], lengths=left
        )
    waiting, seen = [losses.grad_fn], set[Any]()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        weight = getattr(node, "variable", None)
        if weight is not None and id(weight) not in known:
            raise InputError(
                f"the loss reads a weight of shape {list(weight.shape)} that is neither the "
                "network's nor the criterion's, and would get no gradient; make it part of a module"
            )
        waiting += [following for following, _ in node.next_functions]
