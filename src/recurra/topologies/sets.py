"""An output of many answers at once, each yes or no: on their own (`Bernoulli`), or jointly."""

from abc import ABC, abstractmethod

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from recurra import inputs
from recurra.errors import InputError
from recurra.layers import within
from recurra.topologies.loss import Loss


class Sets(nn.Module, ABC):
    """Which of `count` things hold at a step; exchangeable with `Softmax` in `ManyToManyEqual`.

        ℓ = −Σ_t log p(y_t | s_t)        y_t ∈ {0, 1}^count

    The loss counts steps: it is in nats per step, summed over the things, as music of many voices
    is measured. Boulanger-Lewandowski et al. 2012, https://arxiv.org/abs/1206.6392.

    Args:
        count: of things, such as the keys of a piano.
    Raises:
        ValueError: there are none.
    """

    size: int  # scores of a step

    def __init__(self, count: int) -> None:
        super().__init__()
        if count < 1:
            raise InputError(f"count is {count}; {type(self).__name__} takes 1 or more")
        self.count = count

    @abstractmethod
    def nll(
        self, scores: Float[Tensor, "steps scores"], y: Float[Tensor, "steps count"]
    ) -> Float[Tensor, "steps"]:
        """Return −log p(y | s) of each step."""

    @abstractmethod
    def draw(
        self,
        scores: Float[Tensor, "steps scores"],
        generator: torch.Generator | None = None,
        temperature: float = 1.0,
    ) -> Float[Tensor, "steps count"]:
        """Return one drawn answer for each step; at temperature 0, the likeliest of each thing."""

    def loss(
        self,
        scores: Float[Tensor, "batch time scores"],
        y: Float[Tensor, "batch time count"],
        lengths: Int[Tensor, "batch"],
        smoothing: float = 0.0,
    ) -> Loss:
        """Return −log p over live steps, and how many they are.

        Raises:
            ValueError: smoothing is asked for; a live answer is neither 0 nor 1.
        """
        owner = type(self).__name__
        if smoothing:
            raise InputError(f"smoothing is {smoothing}; {owner} has no classes to smooth over")
        inputs.numbers(owner, "scores", scores, ("batch", "time", self.size), None)
        inputs.numbers(owner, "y", y, (*scores.shape[:2], self.count), scores)
        inputs.lengths(lengths, scores.shape[0])
        live = within(lengths.to(scores.device), scores.shape[1])
        told = y[live]
        if told.is_cpu and not bool(((told == 0) | (told == 1)).all()):
            raise InputError(f"{owner} takes answers of 0 and 1; y holds others")
        return Loss(self.nll(scores[live], told).sum(), live.sum())

    def decode(
        self, scores: Float[Tensor, "batch time scores"], lengths: Int[Tensor, "batch"]
    ) -> list[list[list[int]]]:
        """Return each row's live steps, each with the things that likely hold, in their order."""
        owner = type(self).__name__
        inputs.numbers(owner, "scores", scores, ("batch", "time", self.size), None)
        inputs.lengths(lengths, scores.shape[0])
        found = self.draw(scores.flatten(0, 1), temperature=0.0).view(*scores.shape[:2], -1)
        return [
            [step.nonzero()[:, 0].tolist() for step in row[:stop]]
            for row, stop in zip(found, lengths.tolist(), strict=True)
        ]


class Bernoulli(Sets):
    """Each on its own.

    log p(y | s) = Σ_i y_i log σ(s_i) + (1 − y_i) log σ(−s_i)
    """

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.size = count

    def nll(
        self, scores: Float[Tensor, "steps scores"], y: Float[Tensor, "steps count"]
    ) -> Float[Tensor, "steps"]:
        """Return the sum of the cross entropies."""
        lost = functional.binary_cross_entropy_with_logits(scores, y, reduction="none")
        return lost.sum(-1)

    def draw(
        self,
        scores: Float[Tensor, "steps scores"],
        generator: torch.Generator | None = None,
        temperature: float = 1.0,
    ) -> Float[Tensor, "steps count"]:
        """Draw each."""
        return chosen(scores, generator, temperature)


class NADE(Sets):
    """Each after those before it, of which it depends.

        p(y | s) = Π_i p(y_i | y_<i, s)        p(y_i = 1 | y_<i, s) = σ(b_i + V_i · h_i)
        h_i = σ(c + Σ_{j<i} y_j W_j)           s = [b; c]

    Larochelle and Murray 2011, https://proceedings.mlr.press/v15/larochelle11a.html; its
    biases by a recurrent network (RNN-NADE): Boulanger-Lewandowski et al. 2012,
    https://arxiv.org/abs/1206.6392. Where few things hold, few h_i differ:
    one for each of those that do, and one before them. Only these are computed.

    Args:
        count: of things.
        hidden: length of h.
    Raises:
        ValueError: a size is below 1.
    """

    def __init__(self, count: int, hidden: int) -> None:
        super().__init__(count)
        if hidden < 1:
            raise InputError(f"hidden is {hidden}; NADE takes 1 or more")
        self.hidden, self.size = hidden, count + hidden
        self.read = nn.Parameter(torch.randn(count, hidden) * hidden**-0.5)  # W
        self.write = nn.Parameter(torch.randn(count, hidden) * hidden**-0.5)  # V

    def nll(
        self, scores: Float[Tensor, "steps scores"], y: Float[Tensor, "steps count"]
    ) -> Float[Tensor, "steps"]:
        """Return −Σ_i log p(y_i | y_<i, s)."""
        bias, start = scores[:, : self.count], scores[:, self.count :]
        before = (y.cumsum(-1) - y).long()  # how many hold before each
        most = int(y.sum(-1).max()) if len(y) else 0
        places = torch.where(y > 0, torch.arange(self.count, device=y.device), self.count)
        held = places.sort(-1).values[:, :most]  # those that hold, in order; then none
        table = torch.cat([self.read, self.read.new_zeros(1, self.hidden)])
        sums = functional.pad(functional.embedding(held, table).cumsum(1), (0, 0, 1, 0))
        states = torch.sigmoid(start[:, None] + sums)
        logits = (states @ self.write.T).gather(1, before[:, None]).squeeze(1) + bias
        lost = functional.binary_cross_entropy_with_logits(logits, y, reduction="none")
        return lost.sum(-1)

    def draw(
        self,
        scores: Float[Tensor, "steps scores"],
        generator: torch.Generator | None = None,
        temperature: float = 1.0,
    ) -> Float[Tensor, "steps count"]:
        """Draw one after another."""
        bias, total = scores[:, : self.count], scores[:, self.count :]
        found = []
        for i in range(self.count):
            logit = bias[:, i] + torch.sigmoid(total) @ self.write[i]
            answer = chosen(logit, generator, temperature)
            found.append(answer)
            total = total + answer[:, None] * self.read[i]
        return torch.stack(found, -1)


def chosen(
    logits: Float[Tensor, "*axes"], generator: torch.Generator | None, temperature: float
) -> Float[Tensor, "*axes"]:
    """Return 1 with probability σ(logit / temperature), else 0; at 0, 1 where it is above ½.

    Raises:
        ValueError: the temperature is below 0.
    """
    if temperature < 0:
        raise InputError(f"temperature is {temperature}; it is 0 or more")
    if temperature == 0:
        return (logits > 0).to(logits.dtype)
    drawn = torch.rand(logits.shape, generator=generator, device=logits.device)
    return (drawn < torch.sigmoid(logits / temperature)).to(logits.dtype)
