"""Many-to-one: which of two marks came first? Rows of different lengths, read in parallel."""

import torch
from torch import nn

from recurra import MinGRU, Residual, Stack
from recurra.data.batch import Labelled
from recurra.layers import AttentionPool
from recurra.topologies import ManyToOne

torch.manual_seed(0)
body = Stack(Residual(MinGRU(16, 16)), Residual(MinGRU(16, 16)))
model = ManyToOne(nn.Embedding(4, 16), body, AttentionPool(16), nn.Linear(16, 2))


def marks(rows: int) -> Labelled:
    lengths = torch.randint(10, 41, (rows,))
    x = torch.randint(2, 4, (rows, 40))  # noise, with one 0 and one 1 in it
    first, second = (lengths[:, None] * torch.rand(rows, 2)).long().sort(1).values.unbind(1)
    second = torch.where(first == second, (first + 1) % lengths, second)
    y, row = torch.randint(0, 2, (rows,)), torch.arange(rows)
    x[row, torch.minimum(first, second)] = y
    x[row, torch.maximum(first, second)] = 1 - y
    return Labelled(x, lengths, y)


optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
for _ in range(100):
    loss = model.loss(marks(64))
    optimiser.zero_grad()
    (loss.total / loss.count).backward()
    optimiser.step()

test = marks(500)
right = (model(test.x, test.lengths).argmax(-1) == test.y).float().mean()
print(f"which came first: {right:.0%} right")
