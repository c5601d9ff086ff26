"""A sequence made one vector. A row of length 0 gives zeros."""

from collections.abc import Callable
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from recurra import inputs
from recurra.engines.hooks import observed
from recurra.engines.native.pool import attention_pool
from recurra.layers.attention import normalise
from recurra.layers.lengths import within, zero_beyond
from recurra.layers.linear import Linear


class Last(nn.Module):
    """The output at each row's last step.

    Of `Bidirectional` outputs the backward half has seen one frame there: pool those otherwise.
    """

    def forward(
        self,
        y: Float[Tensor, "batch time features"],
        lengths: Int[Tensor, "batch"] | None = None,
    ) -> Float[Tensor, "batch features"]:
        """Return y at step length − 1."""
        inputs.sequence("Last", y, "features", lengths)
        frames = functional.pad(y, (0, 0, 1, 0))  # a frame of zeros, for rows of length 0
        if lengths is None:
            return frames[:, -1]
        index = lengths.to(y.device, torch.int64).clamp(min=0, max=y.shape[1])
        return frames.gather(1, index[:, None, None].expand(-1, -1, y.shape[2])).squeeze(1)


class Mean(nn.Module):
    """The mean over each row's steps."""

    def forward(
        self,
        y: Float[Tensor, "batch time features"],
        lengths: Int[Tensor, "batch"] | None = None,
    ) -> Float[Tensor, "batch features"]:
        """Return the sum over the row's steps, by their number."""
        lengths = inputs.sequence("Mean", y, "features", lengths)
        if lengths is None:
            return y.sum(dim=1) / max(y.shape[1], 1)
        count = lengths.to(y.device, torch.int64).clamp(min=1, max=max(y.shape[1], 1))
        return zero_beyond(y, lengths).sum(dim=1) / count[:, None]


class Max(nn.Module):
    """The greatest value of each feature over each row's steps."""

    def forward(
        self,
        y: Float[Tensor, "batch time features"],
        lengths: Int[Tensor, "batch"] | None = None,
    ) -> Float[Tensor, "batch features"]:
        """Return the maximum over the row's steps."""
        lengths = inputs.sequence("Max", y, "features", lengths)
        if y.shape[1] == 0:
            return y.new_zeros(y.shape[0], y.shape[2])
        if lengths is None:
            return y.amax(dim=1)
        lengths = lengths.to(y.device)
        beyond = ~within(lengths, y.shape[1])[..., None]
        greatest = y.masked_fill(beyond, torch.finfo(y.dtype).min).amax(dim=1)
        return greatest.masked_fill(lengths[:, None] <= 0, 0)


class AttentionPool(nn.Module):
    """The mean over each row's steps, weighed by a small network.

        u_t = tanh(W y_t + b)    α = softmax(u · v)    s = Σ_t α_t y_t

    Yang et al. 2016, https://aclanthology.org/N16-1174, equations 5–7.

    Args:
        size: features of the sequence.
    Raises:
        ValueError: size is not positive.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        if size < 1:
            raise ValueError(f"size is {size}; a size is at least 1")
        self.size = size
        self.hidden = Linear(size, size)
        self.to_score = nn.Linear(size, 1, bias=False)

    def weights(
        self,
        y: Float[Tensor, "batch time features"],
        lengths: Int[Tensor, "batch"] | None = None,
    ) -> Float[Tensor, "batch time"]:
        """Return α: how much each step counts."""
        lengths = self._check(y, lengths)
        return _weights(self.hidden, self.to_score, zero_beyond(y, lengths), lengths)

    def _check(self, y: Tensor, lengths: Tensor | None) -> Tensor | None:
        return inputs.sequence("AttentionPool", y, self.size, lengths, self.hidden.weight)

    def forward(
        self,
        y: Float[Tensor, "batch time features"],
        lengths: Int[Tensor, "batch"] | None = None,
    ) -> Float[Tensor, "batch features"]:
        """Return the weighed mean."""
        lengths = self._check(y, lengths)
        if self._is_plain():
            weights = self.hidden.weight, self.hidden.bias, self.to_score.weight
            exact = partial(_pooled_by, lengths)
            if (pooled := attention_pool(exact, y, lengths, *weights)) is not None:
                return pooled
        return _pooled(self.hidden, self.to_score, y, lengths)

    def _is_plain(self) -> bool:
        """Return whether both linear maps are what they were made as, and no hook sees them."""
        hidden, to_score = self.hidden, self.to_score
        if type(hidden) is not Linear or type(to_score) is not nn.Linear or hidden.bias is None:
            return False
        return not (observed(hidden) or observed(to_score))


Map = Callable[[Tensor], Tensor]


def _weights(
    hidden: Map, to_score: Map, y: Tensor, lengths: Tensor | None
) -> Float[Tensor, "batch time"]:
    """Return α; y is zero beyond lengths."""
    scores = to_score(torch.tanh(hidden(y))).squeeze(-1)
    mask = None if lengths is None else within(lengths.to(y.device), y.shape[1])
    return normalise(scores, mask)


def _pooled(
    hidden: Map, to_score: Map, y: Tensor, lengths: Tensor | None
) -> Float[Tensor, "batch features"]:
    y = zero_beyond(y, lengths)
    return (_weights(hidden, to_score, y, lengths)[:, None] @ y).squeeze(1)


def _pooled_by(
    lengths: Tensor | None, y: Tensor, weight: Tensor, bias: Tensor, score: Tensor
) -> Float[Tensor, "batch features"]:
    hidden = partial(functional.linear, weight=weight, bias=bias)
    return _pooled(hidden, partial(functional.linear, weight=score), y, lengths)
