"""A sequence played from recordings, as one step of a graph of torch's."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from recurra.engines.base import Lengths
from recurra.engines.function import Function
from recurra.engines.graph.player import Player
from recurra.inputs import transformed


def play(
    player: Player, lengths: Lengths, u: Tensor, state: Sequence[Tensor], weights: Sequence[Tensor]
) -> tuple[Tensor, list[Tensor]]:
    """Return outputs and the leaves of the last state."""
    y, *others = _Played.apply(player, lengths, u, *state, *weights)
    return y, others[: len(state)]


class _Played(Function):
    """(u, leaves of the state, tensors of the cell) → (y, leaves of the last state, kept)."""

    @staticmethod
    def forward(player: Player, lengths: Lengths, u: Tensor, *given: Tensor) -> tuple[Tensor, ...]:
        count = len(player.state)
        y, last, begun = player.ahead(u, given[:count], given[count:], lengths)
        return y, *last, *begun

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        ctx.player, ctx.lengths, u, *given = inputs
        ctx.leaves = len(ctx.player.state)
        begun = output[1 + ctx.leaves :]
        fixed = [leaf for leaf in output[1 : 1 + ctx.leaves] if not leaf.is_floating_point()]
        ctx.mark_non_differentiable(*fixed, *begun)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(u, *given, *begun)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Any, ...]:
        player, lengths, count = ctx.player, ctx.lengths, ctx.leaves
        u, *saved = ctx.saved_tensors
        state, weights, begun = saved[:count], saved[count:-count], saved[-count:]
        grad_y, grad_last = grads[0], grads[1 : 1 + count]
        again = torch.is_grad_enabled()  # a gradient of this gradient is wanted
        if again or transformed():  # or several gradients at once
            with torch.enable_grad():
                # as views: what u was made of, too, may be a weight of the cell
                sources = [value.view_as(value) for value in (u, *state, *weights)]
                y, last = player.exact(
                    sources[0], sources[1 : 1 + count], sources[1 + count :], lengths
                )
            outputs = [value for value in (y, *last) if value.requires_grad]
            pulled = [
                torch.zeros_like(value) if grad is None else grad
                for value, grad in zip((y, *last), (grad_y, *grad_last), strict=True)
                if value.requires_grad
            ]
            wanted = [value for value in sources if value.requires_grad]
            found = iter(
                torch.autograd.grad(outputs, wanted, pulled, create_graph=again, allow_unused=True)
            )
            some = (next(found) if value.requires_grad else None for value in sources)
            return None, None, *some
        grad_u, grad_state, grad_weights = player.back(
            u, begun, weights, lengths, grad_y, grad_last
        )
        return None, None, grad_u, *grad_state, *grad_weights
