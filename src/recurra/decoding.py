"""Writing a sequence from a context, over `start` and `advance` only: greedy, sample, beam.

All rows of a batch are written together, and none sees the others.
"""

from collections.abc import Callable, Collection
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from recurra import tree
from recurra.errors import RecurraError


@runtime_checkable
class Generator(Protocol):
    """What can write. Its state is a tree of tensors, batch first.

    A state with a field `weights` [batch positions] shows where its last step attended to.
    """

    def start(self, *context: Any, **named: Any) -> Any:
        """Return the state before the first token."""
        ...

    def advance(self, token: Int[Tensor, "batch"], state: Any) -> tuple[Tensor, Any]:
        """Return the logits [batch vocabulary] of what follows `token`, and the state there."""
        ...


class Hypothesis(NamedTuple):
    """One sequence written.

    Args:
        tokens: without the start and the end token.
        score: log probability of the tokens, and of the end token if it was reached.
        weights: attention over the context's positions at each token, if the generator has it.
        normalised: score / length penalty, by which a beam ranks; elsewhere the score.
    """

    tokens: list[int]
    score: float
    weights: Float[Tensor, "steps positions"] | None
    normalised: float


def greedy(
    generator: Generator,
    context: tuple[Any, ...],
    *,
    start: int,
    end: int,
    max_steps: int,
    prefix: Int[Tensor, "batch prefix"] | None = None,
    forbidden: Collection[int] = (),
) -> list[Hypothesis]:
    """Write the likeliest token at every step.

    Args:
        generator: the trained network, in evaluation mode.
        context: what `generator.start` takes.
        start: token that stands before the first one.
        end: token that ends a sequence.
        max_steps: most tokens, the end token among them.
        prefix: tokens to begin with; they are part of the hypothesis and of its score.
        forbidden: tokens that are never chosen (a prefix may hold them).
    Returns:
        One hypothesis per row.
    Raises:
        RecurraError: max_steps is below 1, or the prefix does not fit into it.
    """
    return [
        row[0]
        for row in _search(
            generator,
            context,
            lambda totals, _: totals.argmax(-1, keepdim=True),
            start=start,
            end=end,
            max_steps=max_steps,
            prefix=prefix,
            forbidden=forbidden,
        )
    ]


def sample(
    generator: Generator,
    context: tuple[Any, ...],
    *,
    start: int,
    end: int,
    max_steps: int,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    generator_seed: torch.Generator | None = None,
    prefix: Int[Tensor, "batch prefix"] | None = None,
    forbidden: Collection[int] = (),
) -> list[Hypothesis]:
    """Draw a token at every step.

        p ∝ exp(logits / temperature), among the top_k likeliest, and among the fewest likeliest
        that together reach top_p

    Holtzman et al. 2020, https://arxiv.org/abs/1904.09751, sections 3.1 (top-p), 3.2 (top-k),
    3.3 (temperature).

    Args:
        generator, context, start, end, max_steps, prefix, forbidden: as in `greedy`.
        temperature: 1 as trained; 0 the likeliest token.
        top_k: 0: all.
        top_p: 1: all.
        generator_seed: source of randomness; rows take from it one after the other, so a row
            written alone is the row written in a batch. None: torch's own.
    Returns:
        One hypothesis per row. Its score is the network's log probability, whatever the filters.
    Raises:
        RecurraError: a number is out of its range.
    """
    if temperature < 0 or top_k < 0 or not 0 < top_p <= 1:
        raise RecurraError(
            f"temperature {temperature}, top_k {top_k}, top_p {top_p}: temperature and top_k are "
            "0 or more, top_p is above 0 and at most 1"
        )
    if temperature == 0:
        temperature, top_k = 1.0, 1
    noise: list[Tensor] = []

    def draw(totals: Tensor, step: int) -> Tensor:
        if not noise:
            noise.append(_uniform((len(totals), max_steps), generator_seed).to(totals.device))
        p, tokens = (totals / temperature).softmax(-1).sort(stable=True, descending=True)
        kept = (p.cumsum(-1) - p < top_p) & (p > 0)
        if top_k:
            kept[:, top_k:] = False
        reached = (p * kept).cumsum(-1)
        rank = torch.searchsorted(reached, noise[0][:, step, None] * reached[:, -1:], right=True)
        # a row that has ended keeps nothing: its rank is any
        rank = rank.minimum(kept.sum(-1, keepdim=True) - 1).clamp(min=0)
        picks: Tensor = tokens.gather(1, rank)
        return picks

    return [
        row[0]
        for row in _search(
            generator,
            context,
            draw,
            start=start,
            end=end,
            max_steps=max_steps,
            prefix=prefix,
            forbidden=forbidden,
        )
    ]


def beam(
    generator: Generator,
    context: tuple[Any, ...],
    *,
    start: int,
    end: int,
    max_steps: int,
    width: int,
    length_penalty: float = 0.0,
    prefix: Int[Tensor, "batch prefix"] | None = None,
    forbidden: Collection[int] = (),
) -> list[list[Hypothesis]]:
    """Search for the best sequence among the `width` likeliest beginnings of each length.

        normalised = score / ((5 + n) / 6)^α        n: tokens, the end token among them

    Wu et al. 2016, https://arxiv.org/abs/1609.08144, equation 14, without coverage.
    A hypothesis that ends keeps its place in the beam, and the others go on in what is left. A
    row stops when no place is left, or when nothing alive can still overtake its best.

    Args:
        generator, context, start, end, max_steps, prefix, forbidden: as in `greedy`.
        width: places in the beam; 1 is greedy.
        length_penalty: α; 0: the likeliest sequence; above: longer ones are favoured.
    Returns:
        Each row's hypotheses, at most `width`, best first: those that ended, then those that
        max_steps cut short.
    Raises:
        RecurraError: a number is out of its range.
    """
    if width < 1 or length_penalty < 0:
        raise RecurraError(
            f"beam width {width}, length penalty {length_penalty}: the width is at least 1, "
            "the penalty 0 or more"
        )
    return _search(
        generator,
        context,
        lambda totals, _: totals.topk(width).indices,
        width=width,
        alpha=length_penalty,
        start=start,
        end=end,
        max_steps=max_steps,
        prefix=prefix,
        forbidden=forbidden,
    )


class _Step(NamedTuple):
    """One step of a search: what each place holds, and from which place it came."""

    tokens: Int[Tensor, "batch width"]
    parents: Int[Tensor, "batch width"]
    scores: Float[Tensor, "batch width"]
    ended: Bool[Tensor, "batch width"]


def _search(
    generator: Generator,
    context: tuple[Any, ...],
    select: Callable[[Tensor, int], Tensor],
    *,
    start: int,
    end: int,
    max_steps: int,
    prefix: Tensor | None,
    forbidden: Collection[int],
    width: int = 1,
    alpha: float = 0.0,
) -> list[list[Hypothesis]]:
    """Search with `select`: totals [batch width·vocabulary], step → the `width` it goes on with."""
    _check(max_steps, prefix)
    with torch.inference_mode():
        state = generator.start(*context)
        first = tree.leaves(state)[0]
        batch, device = len(first), first.device
        if not batch:
            return []
        state = tree.map(lambda leaf: leaf.repeat_interleave(width, dim=0), state)
        forced = None if prefix is None else prefix.to(device).repeat_interleave(width, dim=0)
        token = torch.full((batch * width,), start, device=device)
        # a row begins with one hypothesis; a place that holds none has the score −∞
        alive = torch.full((batch, width), -torch.inf, dtype=torch.float64, device=device)
        alive[:, 0] = 0
        best = torch.full((batch, 1), -torch.inf, dtype=torch.float64, device=device)
        places = torch.full((batch, 1), width, device=device)
        place = torch.arange(width, device=device)
        row = torch.arange(batch, device=device)[:, None]
        steps, weights = [], []
        for step in range(max_steps):
            logits, state = generator.advance(token, state)
            logp = logits.double().log_softmax(-1)
            if forced is not None and step < forced.shape[1]:
                others = torch.arange(logp.shape[1], device=device) != forced[:, step, None]
                logp = logp.masked_fill(others, -torch.inf)
            elif forbidden:
                logp[:, list(forbidden)] = -torch.inf
            totals = (alive.view(-1, 1) + logp).view(batch, -1)
            picks = select(totals, step)
            scores = totals.gather(1, picks)
            parents, tokens = picks // logp.shape[1], picks % logp.shape[1]
            taken = (place < places) & (scores > -torch.inf)
            ended = taken & (tokens == end)
            steps.append(_Step(tokens, parents, scores, ended))
            weights.append(getattr(state, "weights", None))
            places = places - ended.sum(1, keepdim=True)
            complete = (scores / _penalty(step + 1, alpha)).masked_fill(~ended, -torch.inf)
            best = torch.maximum(best, complete.amax(1, keepdim=True))
            # a score only falls, and is penalised least at the greatest length
            hopeless = scores / _penalty(max_steps, alpha) <= best
            alive = scores.masked_fill(~taken | ended | hopeless, -torch.inf)
            if bool((alive == -torch.inf).all()):
                break
            token = tokens.flatten()
            if width > 1:
                chosen = (row * width + parents).flatten()
                state = tree.map(lambda leaf, chosen=chosen: leaf.index_select(0, chosen), state)
        return _hypotheses(steps, weights, alive > -torch.inf, alpha)


def _hypotheses(
    steps: list[_Step],
    weights: list[Tensor | None],
    cut: Bool[Tensor, "batch width"],
    alpha: float,
) -> list[list[Hypothesis]]:
    """Trace back, per row, what ended anywhere and then what was alive (`cut`) at the last step."""
    tokens, parents, scores, ended = (
        torch.stack(field).tolist() for field in zip(*steps, strict=True)
    )
    shown = [each.view(*cut.shape, -1) for each in weights if each is not None and each.shape[1]]

    def trace(row: int, step: int, place: int) -> Hypothesis:
        complete, score = ended[step][row][place], scores[step][row][place]
        written: list[int] = []
        attended: list[Tensor] = []
        for t in range(step, -1, -1):
            parent = parents[t][row][place]
            if not (complete and t == step):
                written.append(tokens[t][row][place])
                attended.extend(each[row, parent] for each in shown[t : t + 1])
            place = parent
        return Hypothesis(
            written[::-1],
            score,
            torch.stack(attended[::-1]) if attended else shown[0][:0, 0] if shown else None,
            score / _penalty(step + 1, alpha),
        )

    found = []
    for row, alive in enumerate(cut.tolist()):
        ends = [(t, i) for t, step in enumerate(ended) for i, done in enumerate(step[row]) if done]
        cuts = [(len(steps) - 1, i) for i, kept in enumerate(alive) if kept]
        if not ends and not cuts:
            raise RecurraError(
                f"row {row} has no token to write: its logits are not finite, or all are forbidden"
            )
        parts = [[trace(row, *at) for at in part] for part in (ends, cuts)]
        found.append([one for part in parts for one in sorted(part, key=lambda h: -h.normalised)])
    return found


def _penalty(steps: int, alpha: float) -> float:
    return float(((5 + steps) / 6) ** alpha)


def _uniform(shape: tuple[int, int], source: torch.Generator | None) -> Float[Tensor, "batch time"]:
    device = None if source is None else source.device
    return torch.rand(shape, generator=source, dtype=torch.float64, device=device)


def _check(max_steps: int, prefix: Tensor | None) -> None:
    if max_steps < 1:
        raise RecurraError(f"max_steps is {max_steps}; at least 1 is needed")
    if prefix is not None and prefix.shape[1] > max_steps:
        raise RecurraError(
            f"the prefix has {prefix.shape[1]} tokens but max_steps is {max_steps}: raise it"
        )
