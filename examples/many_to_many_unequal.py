"""Many-to-many, unequal: write the even digits of a number, by beam search."""

import torch
from torch import nn

from recurra import GRU, Bidirectional, Stack
from recurra.data.batch import Paired
from recurra.decoding import beam
from recurra.layers import AdditiveAttention
from recurra.topologies import Decoder, ManyToManyUnequal

torch.manual_seed(0)
START, END = 10, 11
decoder = Decoder(
    12, 16, Stack(GRU(16 + 16, 48)), context_size=16, attention=AdditiveAttention(48, 48, 24)
)
encoder = Bidirectional(GRU(16, 24), GRU(16, 24))
model = ManyToManyUnequal(nn.Embedding(10, 16), encoder, decoder)


def digits(rows: int) -> Paired:
    source = torch.randint(0, 10, (rows, 6))
    even = [[digit for digit in row if digit % 2 == 0] for row in source.tolist()]
    y = torch.tensor([row + [END] * (7 - len(row)) for row in even])
    x = torch.cat([torch.full((rows, 1), START), y[:, :-1]], dim=1)
    return Paired(source, x, y, lengths=torch.tensor([len(row) + 1 for row in even]))


optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
for _ in range(300):
    loss = model.loss(digits(32))
    optimiser.zero_grad()
    (loss.total / loss.count).backward()
    optimiser.step()

model.eval()
test = digits(3)
found = beam(model, (test.context,), start=START, end=END, max_steps=8, width=3)
for source, best in zip(test.context.tolist(), found, strict=True):
    print(*source, "->", *best[0].tokens, f" (log probability {best[0].score:.2f})")
