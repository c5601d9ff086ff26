"""A tagger's output in which neighbouring tags know each other: the linear-chain CRF."""

from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from recurra import inputs
from recurra.engines.base import any_steps
from recurra.engines.keep import keep
from recurra.layers import within, zero_beyond
from recurra.topologies.loss import Loss

PENALTY = -1e4
"""Score of what is forbidden: out of reach, yet finite, so that no gradient becomes NaN."""


class CRF(nn.Module):
    """Linear-chain conditional random field; exchangeable with `Softmax`.

        score(y) = start[y_1] + Σ_t s_t[y_t] + Σ_{t>1} A[y_{t−1}, y_t] + end[y_T]
        log p(y | x) = score(y) − log Z        Z = Σ_y exp score(y)

    Lafferty, McCallum and Pereira 2001, section 3; as the output of a recurrent network:
    Huang, Xu and Yu 2015, https://arxiv.org/abs/1508.01991, section 2.4.
    A true path that takes a forbidden transition is not excluded: it costs 10⁴.

    Args:
        tags: how many tags there are.
        forbidden: [from, to] of the transitions that no path takes.
        forbidden_start: tags that no path begins with.
        forbidden_end: tags that no path ends with.
    Raises:
        ValueError: there is no tag, or a mask has another shape.
    """

    forbids: Bool[Tensor, "tags tags"]
    forbids_start: Bool[Tensor, "tags"]
    forbids_end: Bool[Tensor, "tags"]

    def __init__(
        self,
        tags: int,
        *,
        forbidden: Bool[Tensor, "tags tags"] | None = None,
        forbidden_start: Bool[Tensor, "tags"] | None = None,
        forbidden_end: Bool[Tensor, "tags"] | None = None,
    ) -> None:
        super().__init__()
        if tags < 1:
            raise ValueError(f"a CRF over {tags} tags; it needs at least 1")
        masks = [
            ("forbids", forbidden, (tags, tags)),
            ("forbids_start", forbidden_start, (tags,)),
            ("forbids_end", forbidden_end, (tags,)),
        ]
        for name, mask, shape in masks:
            mask = torch.zeros(shape, dtype=torch.bool) if mask is None else mask
            inputs.mask("CRF", mask, shape)
            # rebuilt from the tags with the model, so no part of the saved weights
            self.register_buffer(name, mask, persistent=False)
        self.transitions = nn.Parameter(torch.empty(tags, tags).uniform_(-0.1, 0.1))
        self.start = nn.Parameter(torch.empty(tags).uniform_(-0.1, 0.1))
        self.end = nn.Parameter(torch.empty(tags).uniform_(-0.1, 0.1))

    def loss(
        self,
        scores: Float[Tensor, "batch time tags"],
        tags: Int[Tensor, "batch time"],
        lengths: Int[Tensor, "batch"],
        smoothing: float = 0.0,
    ) -> Loss:
        """Return −log p(tags), summed over rows; the count is of live steps, as with `Softmax`.

        Smoothing is the share of a uniformly random path in the target, as it is of a uniformly
        random class in `cross_entropy`.
        """
        inputs.share("smoothing", smoothing)
        lengths = self._checked(scores, lengths)
        target = self.path_score(scores, tags, lengths)
        if smoothing:
            target = (1 - smoothing) * target + smoothing * self._mean_score(scores, lengths)
        return Loss((self.log_partition(scores, lengths) - target).sum(), lengths.sum())

    def log_partition(
        self, scores: Float[Tensor, "batch time tags"], lengths: Int[Tensor, "batch"]
    ) -> Float[Tensor, "batch"]:
        """Return log Z by the forward algorithm; 0 for a row without steps."""
        lengths = self._checked(scores, lengths)
        if scores.shape[1] == 0:
            return scores.sum((1, 2))  # zeros that know where they come from
        start, transitions, end = self.constrained()
        first, *rest = self._clear(scores, lengths).unbind(1)
        alpha = start + first
        for t, score in enumerate(rest, start=1):
            after = torch.logsumexp(alpha[:, :, None] + transitions, dim=1) + score
            alpha = torch.where((lengths > t)[:, None], after, alpha)
        return torch.where(lengths > 0, torch.logsumexp(alpha + end, dim=1), 0)

    def path_score(
        self,
        scores: Float[Tensor, "batch time tags"],
        tags: Int[Tensor, "batch time"],
        lengths: Int[Tensor, "batch"],
    ) -> Float[Tensor, "batch"]:
        """Return the score of one path per row; 0 for a row without steps."""
        lengths = self._checked(scores, lengths)
        inputs.whole("CRF", "tags", tags, tuple(scores.shape[:2]))
        if scores.shape[1] == 0:
            return scores.sum((1, 2))  # zeros that know where they come from
        start, transitions, end = self.constrained()
        live = within(lengths, scores.shape[1])
        tags = tags.long().masked_fill(~live, 0)
        inputs.within("CRF", "tags", tags, len(start))
        steps = self._clear(scores, lengths).gather(2, tags[..., None])[..., 0]
        moves = transitions[tags[:, :-1], tags[:, 1:]].masked_fill(~live[:, 1:], 0)
        last = tags.gather(1, (lengths - 1).clamp(min=0)[:, None])[:, 0]
        ends = torch.where(lengths > 0, start[tags[:, 0]] + end[last], 0)
        return steps.masked_fill(~live, 0).sum(1) + moves.sum(1) + ends

    def constrained(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return the scores of start, transitions and end; of what is forbidden, `PENALTY`."""
        return (
            self.start.masked_fill(self.forbids_start, PENALTY),
            self.transitions.masked_fill(self.forbids, PENALTY),
            self.end.masked_fill(self.forbids_end, PENALTY),
        )

    @torch.no_grad()
    def decode(
        self, scores: Float[Tensor, "batch time tags"], lengths: Int[Tensor, "batch"]
    ) -> list[list[int]]:
        """Return each row's best path."""
        tags, stops = self.best(scores, lengths).tolist(), lengths.tolist()
        return [row[: max(stop, 0)] for row, stop in zip(tags, stops, strict=True)]

    @torch.no_grad()
    def best(
        self, scores: Float[Tensor, "batch time tags"], lengths: Int[Tensor, "batch"]
    ) -> Int[Tensor, "batch time"]:
        """Return each row's best path, by the Viterbi algorithm; beyond its length, anything."""
        lengths = self._checked(scores, lengths)
        if any_steps(scores):
            return self._kept(scores, lengths)
        if scores.shape[1] == 0:
            return lengths.new_zeros(len(scores), 0)
        start, transitions, end = self.constrained()
        first, *rest = self._clear(scores, lengths).unbind(1)
        best, pointers = start + first, []
        stay = torch.arange(len(start), device=scores.device)
        for t, score in enumerate(rest, start=1):
            live = (lengths > t)[:, None]
            after, pointer = (best[:, :, None] + transitions).max(dim=1)
            best = torch.where(live, after + score, best)
            # beyond the length a path stands still, so that all rows are traced back together
            pointers.append(torch.where(live, pointer, stay))
        path = [(best + end).argmax(1, keepdim=True)]
        for pointer in reversed(pointers):
            path.append(pointer.gather(1, path[-1]))
        return torch.cat(path[::-1], dim=1)

    def _kept(self, scores: Tensor, lengths: Tensor) -> Tensor:
        """Return the same of any number of steps: there and back, in a graph."""
        start, transitions, end = self.constrained()
        stay = torch.arange(len(start), device=scores.device)

        def ahead(state: Any, score: Tensor, live: Tensor) -> tuple[Tensor, Any]:
            best, begun = state
            after, pointer = (best[:, :, None] + transitions).max(dim=1)
            after = torch.where(begun[:, None], after, start) + score
            goes = (live & begun)[:, None]
            return torch.where(goes, pointer, stay), (
                torch.where(live[:, None], after, best),
                begun | live,
            )

        def back(tag: Any, pointer: Tensor) -> tuple[Tensor, Any]:
            return tag[0], (pointer.gather(1, tag[0][:, None])[:, 0],)

        none = scores.new_zeros(scores.shape[0], len(start)), lengths < 0
        given = self._clear(scores, lengths), within(lengths, scores.shape[1])
        pointers, (best, _) = keep(ahead, none, given)
        path, _ = keep(back, ((best + end).argmax(1),), (pointers.flip(1),))
        return path.flip(1)

    def _checked(self, scores: Tensor, lengths: Tensor) -> Tensor:
        """Return the lengths as they count: whole numbers, cut at the time of the scores."""
        inputs.numbers("CRF", "scores", scores, ("batch", "time", len(self.start)), None)
        inputs.lengths(lengths, scores.shape[0])
        return lengths.to(scores.device, torch.int64).clamp(min=0, max=scores.shape[1])

    def _clear(self, scores: Tensor, lengths: Tensor) -> Tensor:
        # in the weights' precision: under autocast the scores come in half of it
        return zero_beyond(scores.to(self.transitions.dtype), lengths)

    def _mean_score(self, scores: Tensor, lengths: Tensor) -> Tensor:
        moves = _mean_allowed(self.transitions, self.forbids) * (lengths - 1)
        ends = _mean_allowed(self.start, self.forbids_start)
        ends = ends + _mean_allowed(self.end, self.forbids_end)
        steps = self._clear(scores, lengths).mean(2).sum(1)
        return torch.where(lengths > 0, steps + moves + ends, 0)


def _mean_allowed(weights: Tensor, forbids: Tensor) -> Tensor:
    return weights.masked_fill(forbids, 0).sum() / (~forbids).sum().clamp(min=1)
