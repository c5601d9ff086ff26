"""One-to-one: is a point inside the circle? The cell takes a single step."""

import torch
from torch import nn

from recurra import GRU
from recurra.data.batch import Single
from recurra.topologies import OneToOne

torch.manual_seed(0)
model = OneToOne(encoder=nn.Linear(2, 16), cell=GRU(16, 16), head=nn.Linear(16, 2))


def points(rows: int) -> Single:
    x = torch.rand(rows, 2) * 2 - 1
    return Single(x, (x.norm(dim=1) < 0.8).long())


optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
for _ in range(300):
    loss = model.loss(points(64))  # a sum and its count
    optimiser.zero_grad()
    (loss.total / loss.count).backward()
    optimiser.step()

test = points(1000)
right = (model(test.x).argmax(-1) == test.y).float().mean()
print(f"inside or outside: {right:.0%} right")
