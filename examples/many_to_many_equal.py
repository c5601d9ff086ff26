"""Many-to-many, equal: tag runs of ones as begin, inside, outside; a CRF forbids bad paths."""

import torch
from torch import nn

from recurra import LSTM, Bidirectional
from recurra.data.batch import Aligned
from recurra.topologies import CRF, ManyToManyEqual

torch.manual_seed(0)
OUTSIDE, BEGIN, INSIDE = range(3)
forbidden = torch.zeros(3, 3, dtype=torch.bool)
forbidden[OUTSIDE, INSIDE] = True  # nothing goes on that has not begun
crf = CRF(3, forbidden=forbidden, forbidden_start=torch.tensor([False, False, True]))
model = ManyToManyEqual(
    nn.Embedding(2, 8), Bidirectional(LSTM(8, 16), LSTM(8, 16)), nn.Linear(32, 3), crf
)


def runs(rows: int) -> Aligned:
    x = torch.randint(0, 2, (rows, 12))
    before = torch.cat([torch.zeros(rows, 1), x[:, :-1]], dim=1)
    y = torch.where(x == 0, OUTSIDE, torch.where(before == 0, BEGIN, INSIDE))
    return Aligned(x, torch.randint(1, 13, (rows,)), y)


optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
for _ in range(100):
    loss = model.loss(runs(32))
    optimiser.zero_grad()
    (loss.total / loss.count).backward()
    optimiser.step()

test = runs(3)
for row, tags in enumerate(model.predict(test.x, test.lengths)):
    print("".join(map(str, test.x[row, : len(tags)].tolist())), "".join("OBI"[tag] for tag in tags))
