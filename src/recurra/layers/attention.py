"""A glance over a whole memory, once per step of a query."""

from abc import ABC, abstractmethod

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from recurra import inputs
from recurra.layers.linear import Linear


def normalise(
    scores: Float[Tensor, "*axes positions"], mask: Bool[Tensor, "*#axes positions"] | None
) -> Float[Tensor, "*axes positions"]:
    """Return the softmax over the positions where the mask is True; all zeros where none is."""
    if mask is None:
        return torch.softmax(scores, dim=-1)
    # the least finite number, not −∞: a row without any position must not become NaN
    scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    return torch.softmax(scores, dim=-1).masked_fill(~mask, 0)


class Attention(nn.Module, ABC):
    """The mean of a memory, weighed anew for each query.

        α = softmax(score(q, m))    c = Σ_j α_j m_j

    A subclass writes `score`, and sets `from_memory`, the part of it that no query changes.

    Args:
        query_size: features of a query.
        memory_size: features of the memory, and of the context it gives.
    """

    from_memory: Linear

    def __init__(self, query_size: int, memory_size: int) -> None:
        super().__init__()
        for name, size in [("query", query_size), ("memory", memory_size)]:
            if size < 1:
                raise ValueError(f"{name}_size is {size}; a size is at least 1")
        self.query_size, self.memory_size = query_size, memory_size

    @abstractmethod
    def score(
        self,
        query: Float[Tensor, "batch steps query"],
        keys: Float[Tensor, "batch positions keys"],
    ) -> Float[Tensor, "batch steps positions"]:
        """Return how well each query fits each position; the keys are `from_memory(memory)`."""

    def forward(
        self,
        query: Float[Tensor, "batch steps query"],
        memory: Float[Tensor, "batch positions memory"],
        mask: Bool[Tensor, "batch positions"] | None = None,
        *,
        keys: Float[Tensor, "batch positions keys"] | None = None,
    ) -> tuple[Float[Tensor, "batch steps memory"], Float[Tensor, "batch steps positions"]]:
        """Return the contexts and the weights.

        Args:
            query: one vector per step.
            memory: what is looked at.
            mask: True where the memory counts; None: everywhere. What lies elsewhere changes
                nothing, not even as NaN. A row that is False throughout gets zeros.
            keys: `from_memory(memory)`, where a decoder has computed it once for all its steps.
        """
        owner, like = type(self).__name__, inputs.weight(self)
        inputs.numbers(owner, "query", query, ("batch", "steps", self.query_size), like)
        batch = query.shape[0]
        inputs.numbers(owner, "memory", memory, (batch, "positions", self.memory_size), like)
        positions = memory.shape[1]
        if mask is not None:
            inputs.mask(owner, mask, (batch, positions))
        if keys is not None:
            width = getattr(self.from_memory, "out_features", "keys")
            inputs.numbers(owner, "keys", keys, (batch, positions, width), like)
        if mask is not None:
            memory = memory.masked_fill(~mask[..., None], 0)
            mask = mask[:, None]
        keys = self.from_memory(memory) if keys is None else keys
        weights = normalise(self.score(query, keys), mask)
        return weights @ memory, weights


class AdditiveAttention(Attention):
    """Attention by a small network over query and memory.

        score(q, m) = v · tanh(W q + U m)

    Bahdanau, Cho and Bengio 2015, https://arxiv.org/abs/1409.0473, section 3.1 (softmax and
    context) and appendix A.1.2 (score).

    Args:
        query_size: features of a query.
        memory_size: features of the memory.
        hidden_size: width of the small network.
    Raises:
        ValueError: a size is not positive.
    """

    def __init__(self, query_size: int, memory_size: int, hidden_size: int) -> None:
        super().__init__(query_size, memory_size)
        if hidden_size < 1:
            raise ValueError(f"hidden_size is {hidden_size}; a size is at least 1")
        self.from_query = Linear(query_size, hidden_size)
        self.from_memory = Linear(memory_size, hidden_size, bias=False)
        self.to_score = Linear(hidden_size, 1, bias=False)

    def score(
        self,
        query: Float[Tensor, "batch steps query"],
        keys: Float[Tensor, "batch positions keys"],
    ) -> Float[Tensor, "batch steps positions"]:
        """Return v · tanh(W q + U m) for every pair."""
        pairs = self.from_query(query)[:, :, None] + keys[:, None]
        scores: Tensor = self.to_score(torch.tanh(pairs))
        return scores.squeeze(-1)


class MultiplicativeAttention(Attention):
    """Attention by a bilinear form of query and memory.

        score(q, m) = q · W m

    Luong, Pham and Manning 2015, https://arxiv.org/abs/1508.04025, section 3.1, `general`.

    Args:
        query_size: features of a query.
        memory_size: features of the memory.
    Raises:
        ValueError: a size is not positive.
    """

    def __init__(self, query_size: int, memory_size: int) -> None:
        super().__init__(query_size, memory_size)
        self.from_memory = Linear(memory_size, query_size, bias=False)

    def score(
        self,
        query: Float[Tensor, "batch steps query"],
        keys: Float[Tensor, "batch positions keys"],
    ) -> Float[Tensor, "batch steps positions"]:
        """Return q · W m for every pair."""
        return query @ keys.mT
