"""A small network with a loss, and rows for it, for the tests of training."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from tests.every import Every as Recipe


class TinyLoss(NamedTuple):
    total: Tensor
    weight: Tensor

    @property
    def count(self) -> Tensor:
        return self.weight


class Batch(NamedTuple):
    x: Tensor
    lengths: Tensor
    y: Tensor


def collate(items) -> Batch:
    xs, ys = zip(*items, strict=True)
    lengths = torch.tensor([len(x) for x in xs])
    return Batch(
        nn.utils.rnn.pad_sequence(list(xs), batch_first=True),
        lengths,
        nn.utils.rnn.pad_sequence(list(ys), batch_first=True),
    )


class Tagger(nn.Module):
    """Predicts each step's number from its input; the loss counts live steps."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.body = nn.Linear(3, 8)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(8, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.dropout(torch.tanh(self.body(x)))).squeeze(-1)

    def loss(self, batch: Batch, smoothing: float = 0.0) -> TinyLoss:
        live = torch.arange(batch.x.shape[1]) < batch.lengths[:, None].cpu()
        error = ((self(batch.x) - batch.y) ** 2)[live.to(batch.x.device)]
        return TinyLoss(error.sum(), live.sum().to(batch.x.device))


def rows(n: int = 22, seed: int = 0) -> list[tuple[Tensor, Tensor]]:
    random = torch.Generator().manual_seed(seed)
    sizes = torch.randint(1, 9, (n,), generator=random).tolist()
    xs = [torch.randn(size, 3, generator=random) for size in sizes]
    return [(x, x.sum(1).sin()) for x in xs]


def network(dropout: float = 0.0) -> Tagger:
    torch.manual_seed(5)
    return Tagger(dropout)


def validate(model: nn.Module) -> dict[str, float]:
    like = next(model.parameters())
    batch = collate(rows(8, seed=1))
    batch = Batch(batch.x.to(like), batch.lengths, batch.y.to(like))
    with torch.no_grad():
        total, count = model.loss(batch)
    return {"loss": float(total / count), "steps": float(count)}


def recipe(**fields) -> Recipe:
    small = {"epochs": 3, "batch_size": 4, "patience": 0, "learning_rate": 0.02, "device": "cpu"}
    return Recipe.of(small, fields)
