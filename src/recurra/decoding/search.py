"""The one loop behind greedy, sampling and beam search, over `start` and `advance` only."""

from collections.abc import Callable, Collection
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Int
from torch import Tensor

from recurra import tree
from recurra.decoding import repeats
from recurra.decoding.hypothesis import Hypothesis, Step, penalty, trace_back
from recurra.errors import RecurraError


@runtime_checkable
class Generator(Protocol):
    """What can write. Its state is a tree of tensors, batch first.

    `advance` returns new tensors and writes into none: what it returns as it was given (a memory
    to attend to) is the same for all beginnings of a row, and is not moved when they change places.
    A state with a field `weights` [batch positions] shows where its last step attended to.
    """

    def start(self, *context: Any, **named: Any) -> Any:
        """Return the state before the first token."""
        ...

    def advance(self, token: Int[Tensor, "batch"], state: Any) -> tuple[Tensor, Any]:
        """Return the logits [batch vocabulary] of what follows `token`, and the state there."""
        ...


def search(
    generator: Generator,
    context: tuple[Any, ...],
    select: Callable[[Tensor, int], Tensor],
    *,
    start: int,
    end: int,
    max_steps: int,
    prefix: Tensor | None,
    forbidden: Collection[int],
    no_repeat: int = 0,
    width: int = 1,
    alpha: float = 0.0,
    tell: Callable[[list[int]], None] | None = None,
) -> list[list[Hypothesis]]:
    """Search with `select`: totals [batch width·vocabulary], step → the `width` it goes on with.

    `tell` is given each step's tokens at once, where there is one hypothesis a row.
    """
    _check(max_steps, prefix)
    repeats.check(no_repeat)
    with torch.inference_mode():
        state = generator.start(*context)
        first = tree.leaves(state)[0]
        batch, device = len(first), first.device
        if not batch:
            return []
        state = origin = tree.map(lambda leaf: leaf.repeat_interleave(width, dim=0), state)
        forced = None if prefix is None else prefix.to(device).repeat_interleave(width, dim=0)
        token = torch.full((batch * width,), start, device=device)
        # a row begins with one hypothesis; a place that holds none has the score −∞
        alive = torch.full((batch, width), -torch.inf, dtype=torch.float64, device=device)
        alive[:, 0] = 0
        best = torch.full((batch, 1), -torch.inf, dtype=torch.float64, device=device)
        places = torch.full((batch, 1), width, device=device)
        place = torch.arange(width, device=device)
        row = torch.arange(batch, device=device)[:, None]
        written = token.new_zeros(batch * width, 0)
        steps, weights = [], []
        for step in range(max_steps):
            logits, state = generator.advance(token, state)
            logp = logits.double().log_softmax(-1)
            if forced is not None and step < forced.shape[1]:
                others = torch.arange(logp.shape[1], device=device) != forced[:, step, None]
                logp = logp.masked_fill(others, -torch.inf)
            else:
                if forbidden:
                    logp[:, list(forbidden)] = -torch.inf
                if no_repeat:
                    logp[repeats.repeating(written, no_repeat)] = -torch.inf
            totals = (alive.view(-1, 1) + logp).view(batch, -1)
            picks = select(totals, step)
            scores = totals.gather(1, picks)
            parents, tokens = picks // logp.shape[1], picks % logp.shape[1]
            taken = (place < places) & (scores > -torch.inf)
            ended = taken & (tokens == end)
            steps.append(Step(tokens, parents, scores, ended))
            if tell is not None:
                tell(tokens[:, 0].tolist())
            weights.append(getattr(state, "weights", None))
            places = places - ended.sum(1, keepdim=True)
            complete = (scores / penalty(step + 1, alpha)).masked_fill(~ended, -torch.inf)
            best = torch.maximum(best, complete.amax(1, keepdim=True))
            # a score only falls, and is penalised least at the greatest length
            hopeless = scores / penalty(max_steps, alpha) <= best
            alive = scores.masked_fill(~taken | ended | hopeless, -torch.inf)
            if bool((alive == -torch.inf).all()):
                break
            token = tokens.flatten()
            if width > 1:
                chosen = (row * width + parents).flatten()
                state = _move(state, origin, chosen)
                written = written[chosen]
            if no_repeat:
                written = torch.cat([written, token[:, None]], 1)
        return trace_back(steps, weights, alive > -torch.inf, alpha)


def _move(state: Any, origin: Any, chosen: Int[Tensor, "places"]) -> Any:
    """Return the state with each place's rows taken from the place it came from.

    What is still the very tensor of the start holds the same at all places of a row, and stays: a
    memory need not be copied at every step.
    """
    return tree.map(
        lambda leaf, first: leaf if leaf is first else leaf.index_select(0, chosen), state, origin
    )


def _check(max_steps: int, prefix: Tensor | None) -> None:
    if max_steps < 1:
        raise RecurraError(f"max_steps is {max_steps}; at least 1 is needed")
    if prefix is not None and prefix.shape[1] > max_steps:
        raise RecurraError(
            f"the prefix has {prefix.shape[1]} tokens but max_steps is {max_steps}: raise it"
        )
