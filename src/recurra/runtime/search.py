"""The one loop behind greedy, sampling and beam search, as `recurra.decoding` has them on torch."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recurra.errors import RecurraError
from recurra.runtime.batches import log_softmax, softmax
from recurra.runtime.chance import Chance

Arrays = dict[str, NDArray[Any]]
Advance = Callable[[NDArray[np.int64], Arrays], tuple[NDArray[Any], Arrays]]
Select = Callable[[NDArray[np.float64], int], NDArray[np.int64]]
WEIGHTS = "weights"  # of a state: where its last step has looked


class Written(NamedTuple):
    """One sequence.

    Args:
        tokens: without the start and the end token.
        score: log probability of the tokens, and of the end token if it was reached.
        weights: where each token has looked [tokens positions], if the model says it.
    """

    tokens: list[int]
    score: float
    weights: NDArray[Any] | None


class Way(NamedTuple):
    """How a search goes on from each step.

    Args:
        select: totals [batch width·vocabulary], step → the `width` places it goes on with.
        width: beginnings that are kept of each row.
        alpha: of the length penalty.
    """

    select: Select
    width: int = 1
    alpha: float = 0.0


class Bounds(NamedTuple):
    """What all ways are given.

    Args:
        end: the token that ends a row.
        most: tokens, the end among them.
        no_repeat: no passage of so many tokens is written twice; 0: any may be.
        forbidden: tokens that are never written.
    """

    end: int
    most: int
    no_repeat: int = 0
    forbidden: Sequence[int] = ()


def greedy() -> Way:
    """Return the way that takes the likeliest token at every step."""
    return Way(lambda totals, _: _likeliest(totals))


def beam(width: int, alpha: float) -> Way:
    """Return the way that keeps the likeliest beginnings of each length."""
    return Way(lambda totals, _: _first(totals, width), width, alpha)


def sample(
    chance: Chance, rows: int, most: int, temperature: float, top_k: int, top_p: float
) -> Way:
    """Return the way that draws each token among the likeliest."""
    noise = list[NDArray[np.float64]]()

    def draw(totals: NDArray[np.float64], step: int) -> NDArray[np.int64]:
        if temperature == 0 or top_k == 1:
            return _likeliest(totals)
        if not noise:
            noise.append(chance.uniform(rows, most))
        p, tokens = _filtered(totals, temperature, top_k, top_p)
        reached = p.cumsum(-1)
        aims = noise[0][:, step] * reached[:, -1]
        pairs = zip(reached, aims, strict=True)
        rank = np.array([np.searchsorted(one, aim, side="right") for one, aim in pairs])
        rank = np.maximum(np.minimum(rank, (p > 0).sum(-1) - 1), 0)
        drawn: NDArray[np.int64] = np.take_along_axis(tokens, rank[:, None], -1)
        return drawn

    return Way(draw)


def search(
    advance: Advance, state: Arrays, begin: NDArray[np.int64], way: Way, bounds: Bounds
) -> Generator[int, None, list[Written]]:
    """Yield the first row's tokens as they are written, and return the best of each row.

    Args:
        advance: tokens, state → the logits of what follows, and what of the state has moved.
        state: before the first token; a line for each row.
        begin: the token that stands before each row's first.
        way: greedy, a beam, or a draw.
        bounds: of what is written.
    Raises:
        RecurraError: a row has nothing that may be written.
    """
    width, alpha, rows = way.width, way.alpha, len(begin)
    state = {name: np.repeat(one, width, 0) for name, one in state.items()}
    token = np.repeat(begin, width)
    # a row begins with one beginning; a place that holds none has the score −∞
    alive = np.full((rows, width), -np.inf)
    alive[:, 0] = 0
    places = np.full((rows, 1), width)
    ends: list[tuple[float, int, int]] = [(-np.inf, -1, -1)] * rows  # by score: step, place
    written = np.zeros((rows * width, 0), np.int64)
    steps, looked = list[tuple[Any, Any, Any]](), list[NDArray[Any]]()
    for step in range(bounds.most):
        logits, moved = advance(token, state)
        logp = log_softmax(logits)
        logp[:, list(bounds.forbidden)] = -np.inf
        if bounds.no_repeat:
            logp[_repeating(written, bounds.no_repeat)] = -np.inf
        totals = (alive.reshape(-1, 1) + logp).reshape(rows, -1)
        picks = way.select(totals, step)
        scores = np.take_along_axis(totals, picks, -1)
        parents, tokens = np.divmod(picks, logp.shape[1])
        taken = (np.arange(width) < places) & (scores > -np.inf)
        ended = taken & (tokens == bounds.end)
        steps.append((tokens, parents, scores))
        if WEIGHTS in moved:
            looked.append(moved[WEIGHTS].reshape(rows, width, -1))
        yield int(tokens[0, 0])
        for row, place in zip(*ended.nonzero(), strict=True):
            found = float(scores[row, place]) / _penalty(step + 1, alpha)
            if found > ends[row][0]:
                ends[row] = (found, step, int(place))
        places = places - ended.sum(1, keepdims=True)
        best = np.array([[one[0]] for one in ends])
        # a score only falls, and is penalised least at the greatest length
        hopeless = scores / _penalty(bounds.most, alpha) <= best
        alive = np.where(~taken | ended | hopeless, -np.inf, scores)
        if (alive == -np.inf).all():
            break
        token, state = tokens.ravel(), state | moved
        if width > 1:
            chosen = (np.arange(rows)[:, None] * width + parents).ravel()
            state |= {name: state[name][chosen] for name in moved}
            written = written[chosen]
        if bounds.no_repeat:
            written = np.concatenate([written, token[:, None]], 1)
    for row, (_, at, _) in enumerate(ends):
        if at < 0:  # none has ended: the best of those that were cut short
            place = int(alive[row].argmax())
            if alive[row, place] == -np.inf:
                raise RecurraError(
                    f"row {row} has no token to write: its logits are not finite, or all are "
                    "forbidden"
                )
            ends[row] = (-np.inf, len(steps) - 1, place)
    return [_traced(steps, looked, row, *end) for row, end in enumerate(ends)]


def _traced(
    steps: Sequence[tuple[Any, Any, Any]],
    looked: Sequence[NDArray[Any]],
    row: int,
    normalised: float,
    last: int,
    place: int,
) -> Written:
    """Return the sequence that ends at a step and place."""
    score, tokens, weights = float(steps[last][2][row, place]), list[int](), list[NDArray[Any]]()
    for t in range(last, -1, -1):
        parent = int(steps[t][1][row, place])
        if t < last or normalised == -np.inf:  # the end token is no part of it
            tokens.append(int(steps[t][0][row, place]))
            weights.extend(one[row, parent] for one in looked[t : t + 1])
        place = parent
    if not looked:
        return Written(tokens[::-1], score, None)
    none = looked[0][:0, 0]
    return Written(tokens[::-1], score, np.stack(weights[::-1]) if weights else none)


def _penalty(steps: int, alpha: float) -> float:
    return float(((5 + steps) / 6) ** alpha)


def _likeliest(totals: NDArray[np.float64]) -> NDArray[np.int64]:
    found: NDArray[np.int64] = totals.argmax(-1)[:, None]
    return found


def _first(totals: NDArray[np.float64], width: int) -> NDArray[np.int64]:
    """Return the places of the greatest in falling order, of equal ones the first."""
    least = np.partition(totals, -width, -1)[:, -width]
    found = []
    for row, bound in zip(totals, least, strict=True):
        there = np.flatnonzero(row >= bound)
        found.append(there[np.argsort(-row[there], kind="stable")][:width])
    return np.stack(found)


def _filtered(
    logits: NDArray[np.float64], temperature: float, top_k: int, top_p: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return probabilities in falling order, 0 where a token is not kept, and whose they are."""
    tokens = np.argsort(-logits, -1, kind="stable")
    ranked = np.take_along_axis(logits, tokens, -1)
    if 0 < top_k < ranked.shape[1]:
        ranked = np.where(ranked < ranked[:, top_k - 1, None], -np.inf, ranked)
    ranked = np.where(np.isfinite(ranked[:, :1]), ranked, 0.0)  # of a row that has ended: any
    with np.errstate(over="ignore"):  # a tiny temperature makes all others infinitely unlikely
        p = softmax((ranked - ranked[:, :1]) / temperature)
    return (p * (p.cumsum(-1) - p < top_p) if top_p < 1 else p), tokens


def _repeating(written: NDArray[np.int64], size: int) -> tuple[Any, Any]:
    """Return the places and the tokens that would end a passage that was written before."""
    if written.shape[1] < size:
        return [], []
    passages = np.lib.stride_tricks.sliding_window_view(written, size, 1)
    last = written[:, written.shape[1] - size + 1 :]
    place, beginning = (passages[..., :-1] == last[:, None]).all(-1).nonzero()
    return place, passages[place, beginning, -1]
